"""Memory does not grow with the length of what is replayed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from marketdata.simulated.assets import ASSETS
from marketdata.simulated.simulation import backfill, cycle
from streams.replay.run import replay
from streams.replay.sources import ArchiveSource
from tests.parity.offline import write_market

START_MS = 1_767_225_600_000


def market(cycles: int) -> Iterator[Any]:
    """Yield a market of three assets, without holding it."""
    state, events = backfill(5, START_MS, ASSETS[:3])
    yield from events
    for _ in range(cycles):
        state, events = cycle(state, state.now_ms)
        yield from events


def peak_kib(source: ArchiveSource, out: Path | None) -> int:
    """Return the peak memory of the process that replays a source."""
    return replay(source, jobs=1, out=out).peak_kib


@pytest.mark.slow
@pytest.mark.parametrize(
    ("keeps_outputs", "times"),
    [
        pytest.param(True, 4, id="outputs, 4 times"),
        pytest.param(True, 10, id="outputs, 10 times", marks=pytest.mark.long),
        pytest.param(False, 10, id="counts, 10 times", marks=pytest.mark.long),
    ],
)
def test_many_times_the_data(tmp_path: Path, keeps_outputs: bool, times: int) -> None:
    peaks = []
    for cycles in (300, 300 * times):
        address = tmp_path / f"market-{cycles}"
        events = write_market(address, market(cycles), partitions=2)
        assert events > 35 * cycles
        out = tmp_path / f"out-{cycles}" if keeps_outputs else None
        peaks.append(peak_kib(ArchiveSource(address=str(address)), out))

    assert peaks[1] < 1.10 * peaks[0], f"{peaks[0]:,} KiB, then {peaks[1]:,} KiB"

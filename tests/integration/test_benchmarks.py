"""Every benchmark in its short form: a broken one is seen here, not when somebody wants figures."""

from __future__ import annotations

import pytest

from benchmarks import technical_alone
from benchmarks.__main__ import BENCHMARKS, run
from benchmarks.report import Result, SkippedError

pytestmark = [pytest.mark.embedded, pytest.mark.slow]


@pytest.mark.parametrize(
    "name",
    [
        # Those on Apache Kafka are the same program as those on the embedded broker.
        pytest.param(
            name,
            marks=[pytest.mark.kafka, pytest.mark.long] if name.endswith("_kafka") else [],
        )
        for name in BENCHMARKS
    ],
)
async def test_it_measures_in_seconds(name: str) -> None:
    try:
        result = await BENCHMARKS[name](quick=True)
    except SkippedError as reason:
        pytest.skip(str(reason))
    assert result.value is not None
    assert result.value > 0
    # A peer has a figure and its ratio, or the reason why it is not there.
    for peer, value in result.peers.items():
        assert value in {"not installed", technical_alone.NO_CANDLES} or result.ratios[peer] > 0


async def test_a_broken_benchmark_is_named_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def works(*, quick: bool) -> Result:
        return Result("works", 1.0)

    async def broken(*, quick: bool) -> Result:
        msg = "40,000 records refused"
        raise RuntimeError(msg)

    async def skipped(*, quick: bool) -> Result:
        msg = "no Java"
        raise SkippedError(msg)

    for one in (broken, skipped, works):
        monkeypatch.setitem(BENCHMARKS, one.__name__, one)
    results, names = await run(["broken", "skipped", "works"], quick=True)
    assert names == ["broken"]
    assert [(one.name, one.value, one.note) for one in results] == [
        ("broken", None, "RuntimeError: 40,000 records refused"),
        ("skipped", None, "not measured: no Java"),
        ("works", 1.0, ""),
    ]

"""The long parity check: `make parity`. Live runs over real data, each replayed and compared.

python -m tests.parity [--quick] [--only TEXT] [--data DIR] [--keep DIR]
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from embedded.kafka import find_kafka
from marketdata.recorded.source import read_directory
from tests.parity.scenario import Scenario, record, verified

SCENARIOS = (
    Scenario("tansu", 4, "0"),
    Scenario("tansu", 1, "1"),
    Scenario("tansu", 8, "2"),
    Scenario("tansu", 4, "1", workers=2, kills=1),
    Scenario("kafka", 4, "0"),
    Scenario("kafka", 1, "1"),
    Scenario("kafka", 8, "2"),
    Scenario("kafka", 4, "2", workers=2, kills=1),
)
SPANS = (("2021-07-01", "2022-08-01"), ("2024-08-07", "2024-08-11"))
"""The headlines overlap with the first span, the order books with the second."""
CYCLE_MS = 3_600_000


def market(data: Path, *, quick: bool) -> list[Any]:
    """Return the real market events of the spans, a cycle an hour."""
    events: list[Any] = []
    for start, end in (("2022-03-01", "2022-03-15"), SPANS[1]) if quick else SPANS:
        since_ms, until_ms = _ms(start), _ms(end)
        events += read_directory(data, since_ms, until_ms, cycle_ms=CYCLE_MS)
    return events


def _ms(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000)


async def check(scenario: Scenario, events: list[Any], keep: Path | None) -> bool:
    """Run one scenario and print a line; return whether the parity is 100 %."""
    print(f"{scenario}")
    started_s = time.monotonic()
    done = 0

    def on_progress(records: int) -> None:
        nonlocal done
        done += records
        if sys.stdout.isatty():
            print(f"  live: {done:,} of {len(events):,}", end="\r", flush=True)

    with tempfile.TemporaryDirectory(prefix="quantiva-parity-") as name:
        folder = Path(name)
        address = str(folder / "archive")
        await record(scenario, events, folder, address, on_progress)
        live_s = time.monotonic() - started_s
        result = await verified(address, scenario.hash_seed, folder)
        if keep is not None and not result["exact"]:
            kept = keep / str(scenario).replace(", ", "-").replace(" ", "_")
            shutil.copytree(folder, kept, dirs_exist_ok=True)
    print("  " + result["said"].replace("\n", "\n  ").strip())
    replay_s = time.monotonic() - started_s - live_s
    print(f"  live {live_s:.0f} s, archived and replayed in {replay_s:.0f} s", flush=True)
    return bool(result["exit_status"] == 0 and result["exact"])


def main() -> int:
    """Run what the options ask for; exit status 1 when one is not exact."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two weeks instead of a year")
    parser.add_argument("--only", default="", help="scenarios whose description has this text")
    parser.add_argument("--keep", type=Path, help="keep archives that are not exact in a folder")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"no recorded data in {options.data}: name a directory with --data")
        return 2
    events = market(options.data, quick=options.quick)
    print(f"{len(events):,} market events a run, a cycle every {CYCLE_MS // 60_000} minutes")
    wanted = [one for one in SCENARIOS if options.only in str(one)]
    exact = []
    for scenario in wanted:
        if scenario.broker == "kafka" and find_kafka() is None:
            print(f"{scenario}: left out, there is no Apache Kafka (or no java)")
            continue
        exact.append(asyncio.run(check(scenario, events, options.keep)))
    print(f"{sum(exact)} of {len(exact)} live runs are replayed to the byte")
    return 0 if exact and all(exact) else 1


if __name__ == "__main__":
    sys.exit(main())

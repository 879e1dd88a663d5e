"""`make chaos`: a hundred faults on Apache Kafka, and what is left beside a run without.

python -m tests.chaos [--quick] [--seed N] [--keep DIR]
"""

from __future__ import annotations

import argparse
import logging
import statistics
import sys
import tempfile
from pathlib import Path

import uvloop

from embedded.kafka import ApacheKafka
from embedded.stack import Stack
from tests.chaos.campaign import Campaign, Differences, Plan

FAULTS = {
    "worker killed": 30,
    "worker asleep": 28,
    "worker leaves": 12,
    "sink restarted": 10,
    "broker killed": 12,
    "database killed": 10,
}
QUICK = {"worker killed": 2, "worker asleep": 4, "worker leaves": 1, "sink restarted": 1}


async def run(plan: Plan, folder: Path) -> bool:
    """Play the plan twice, print what the faults changed; return whether that is nothing."""
    kafka = ApacheKafka()
    await kafka.start()
    try:
        async with Stack(bootstrap=kafka.address, fast=True) as stack:
            campaign = Campaign(stack, kafka, folder)
            print("the clean run")
            clean = await campaign.play("clean", plan, with_faults=False)
            print(f"the run with {sum(plan.faults.values())} faults")
            played = await campaign.play("chaos", plan)
    finally:
        await kafka.stop()
    return report(campaign, clean.records, Differences.between(clean, played))


def report(campaign: Campaign, records: dict[str, list[str]], found: Differences) -> bool:
    """Print the figures; return whether nothing differs."""
    for topic, texts in records.items():
        print(f"  {topic:<20}{len(texts):>9,} records in the clean run")
    print(f"  {found}")
    times = sorted(seconds for _, seconds in campaign.recoveries_s)
    for kind in sorted({kind for kind, _ in campaign.recoveries_s}):
        of_kind = [seconds for one, seconds in campaign.recoveries_s if one == kind]
        print(f"  {kind:<20}{len(of_kind):>4} times, recovered in {_spread(of_kind)}")
    print(f"  {'all':<20}{len(times):>4} times, recovered in {_spread(times)}")
    return found == Differences(0, 0, 0, 0)


def _spread(seconds: list[float]) -> str:
    if len(seconds) < 2:
        return f"{seconds[0]:.1f} s" if seconds else "-"
    parts = statistics.quantiles(seconds, n=20, method="inclusive")
    return f"p50 {parts[9]:.1f} s, p95 {parts[18]:.1f} s, longest {max(seconds):.1f} s"


def main() -> None:
    """Parse the command line and run; status 1 when anything differs."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="eight faults instead of a hundred")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the logs")
    given = parser.parse_args()
    for name in ("aiokafka", "asyncio"):  # what they write while a broker is away tells nothing
        logging.getLogger(name).setLevel(logging.CRITICAL)
    plan = Plan(QUICK, cycles=8) if given.quick else Plan(FAULTS, cycles=190)
    with tempfile.TemporaryDirectory(prefix="quantiva-chaos-") as folder:
        same = uvloop.run(run(plan._replace(seed=given.seed), given.keep or Path(folder)))
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()

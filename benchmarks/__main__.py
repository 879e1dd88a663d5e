"""`python -m benchmarks [--only NAME] [--quick]`: measure, print, write results.json."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from functools import partial

import uvloop

from benchmarks import (
    backfill,
    fanout,
    full_cycle,
    latency,
    machine,
    readme,
    replay_full,
    report,
    technical_alone,
    throughput,
)
from benchmarks.report import Result

Measure = Callable[..., Awaitable[Result]]

BENCHMARKS: dict[str, Measure] = {
    "stage_embedded": partial(throughput.measure, "stage_embedded"),
    "stage_kafka": partial(throughput.measure, "stage_kafka"),
    **{name: partial(latency.measure, name) for name in latency.NAMES},
    full_cycle.NAME: full_cycle.measure,
    fanout.NAME: fanout.measure,
    backfill.NAME: backfill.measure,
    technical_alone.NAME: technical_alone.measure,
    replay_full.FULL: replay_full.full,
    replay_full.TWO_CORES: replay_full.two_cores,
}


async def run(names: list[str], *, quick: bool) -> list[Result]:
    """Run benchmarks one after the other; what cannot run says so and the rest goes on."""
    results = []
    for name in names:
        try:
            results.append(await BENCHMARKS[name](quick=quick))
        except Exception as error:
            print(f"  {name} could not be measured: {type(error).__name__}: {error}", flush=True)
            note = f"{type(error).__name__}: {error}"[:200]
            results.append(Result(name, None, "", "", None, note=note))
    return results


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--only", choices=sorted(BENCHMARKS), help="run one, keep the others' rows")
    parser.add_argument("--quick", action="store_true", help="small and once; writes nothing")
    given = parser.parse_args()
    names = [given.only] if given.only else list(BENCHMARKS)
    facts = machine.facts()
    print(
        f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB, "
        f"Python {facts['python']}"
    )
    results = uvloop.run(run(names, quick=given.quick))
    report.summary(results)
    if not given.quick:
        report.write(results, machine.facts())  # with the peers that were installed meanwhile
        readme.update(report.RESULTS)
        print(f"written to {report.RESULTS.relative_to(report.RESULTS.parent.parent)}")


if __name__ == "__main__":
    main()

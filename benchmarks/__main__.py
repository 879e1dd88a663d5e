"""`python -m benchmarks [--only NAME] [--quick]`: measure and print; a whole run is written."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Awaitable, Callable
from functools import partial

import uvloop

from benchmarks import (
    backfill,
    backlog,
    backtest_reference,
    catch_up,
    fanout,
    full_cycle,
    headlines,
    latency,
    machine,
    on_demand,
    readme,
    replay_full,
    report,
    strategies_alone,
    technical_alone,
    throughput,
)
from benchmarks.report import Result, SkippedError

Measure = Callable[..., Awaitable[Result]]

BENCHMARKS: dict[str, Measure] = {
    "stage_embedded": partial(throughput.measure, "stage_embedded"),
    "stage_kafka": partial(throughput.measure, "stage_kafka"),
    **{name: partial(latency.measure, name) for name in latency.NAMES},
    **{name: partial(on_demand.measure, name) for name in on_demand.NAMES},
    full_cycle.NAME: full_cycle.measure,
    backlog.NAME: backlog.measure,
    fanout.NAME: fanout.measure,
    catch_up.NAME: catch_up.measure,
    backfill.NAME: backfill.measure,
    headlines.SHIPPED: partial(headlines.measure, headlines.SHIPPED),
    headlines.BERT_BASE: partial(headlines.measure, headlines.BERT_BASE),
    technical_alone.NAME: technical_alone.measure,
    strategies_alone.NAME: strategies_alone.measure,
    backtest_reference.NAME: backtest_reference.measure,
    backtest_reference.TICKS: backtest_reference.ticks,
    replay_full.FULL: replay_full.full,
    replay_full.SPARSE: replay_full.sparse_ticks,
    replay_full.TWO_CORES: replay_full.two_cores,
}


async def run(names: list[str], *, quick: bool) -> tuple[list[Result], list[str]]:
    """Run benchmarks one after the other; return the results, and the names of the broken ones.

    One that this machine has no means for is no broken one; in both cases the rest goes on.
    """
    results, broken = [], []
    for name in names:
        try:
            results.append(await BENCHMARKS[name](quick=quick))
        except SkippedError as error:
            print(f"  not measured: {error}", flush=True)
            results.append(Result(name, None, note=f"not measured: {error}"))
        except Exception as error:
            print(f"  {name} is broken: {type(error).__name__}: {error}", flush=True)
            results.append(Result(name, None, note=f"{type(error).__name__}: {error}"[:200]))
            broken.append(name)
    return results, broken


def main() -> None:
    """Parse the command line and run. Ends with status 1 when a benchmark is broken.

    Only a whole run that is not broken is written: the README quotes one machine and one run.
    """
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--only", choices=sorted(BENCHMARKS), help="run one; writes nothing")
    parser.add_argument("--quick", action="store_true", help="small and once; writes nothing")
    given = parser.parse_args()
    names = [given.only] if given.only else list(BENCHMARKS)
    facts = machine.facts()
    print(
        f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB, "
        f"Python {facts['python']}"
    )
    results, broken = uvloop.run(run(names, quick=given.quick))
    report.summary(results)
    if broken:
        sys.exit(f"broken: {', '.join(broken)}; nothing is written")
    if not given.quick and not given.only:
        report.write(results, machine.facts())  # with the peers that were installed meanwhile
        readme.update(report.RESULTS)
        print(f"written to {report.RESULTS.relative_to(report.RESULTS.parent.parent)}")


if __name__ == "__main__":
    main()

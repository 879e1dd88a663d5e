"""`stage_embedded` and `stage_kafka`: our stage beside stock Faust and quixstreams, same broker.

Every side reads the same candles in Avro, keeps an EMA and a count per asset with a changelog,
writes an EngineScore per candle and commits, in a process of its own that is bound to one core.
The clock runs from its first event to its last commit, all outputs acknowledged.
Every output is then read back and checked against the state that it must carry.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import median

from benchmarks import brokers, job, peers
from benchmarks.brokers import NAMES, NO_KAFKA, Site
from benchmarks.job import Times
from benchmarks.machine import reserved_core
from benchmarks.report import Goals, Result, SideFailedError, SkippedError, heading
from benchmarks.workers import RESULT, Order
from embedded.kafka import find_kafka
from schemas.topics import SCORES

UNIT = "events/s a core"
AT_LEAST_ONCE = "ours, at least once"
GOALS = Goals({"stock Faust": 9.0, "quixstreams": 1.5})
KAFKA_GOALS = Goals({**GOALS, AT_LEAST_ONCE: 0.9})
ASSETS = 50
SMALL_TOPIC = "bench.candles"
LIMIT_S = 180.0


@dataclass(frozen=True, slots=True)
class Side:
    """One of them: its module, where it reads and writes, and how many events it gets."""

    name: str
    module: str
    input_topic: str
    output_topic: str
    events: int
    transactions: bool = True


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of a side took."""

    events: int
    times: Times

    @property
    def rate(self) -> float:
        """Events a second of one core.

        Whatever is longer counts: the processor time, or the time on the wall less what other
        processes of this machine took of the core.
        """
        return self.events / max(self.times.wall_s - self.times.lost_s, self.times.cpu_s)


def sides(events: int, small: int, *, kafka: bool) -> list[Side]:
    """Return the sides; stock Faust gets a smaller input, it would take minutes.

    On Apache Kafka our stage writes in transactions, and stands beside itself without them.
    """
    ours = [Side("ours", "ours", job.INPUT_TOPIC, SCORES.name, events)]
    if kafka:
        ours.append(Side(AT_LEAST_ONCE, *astuple(ours[0])[1:5], transactions=False))
    return [
        *ours,
        Side("stock Faust", "stock_faust", SMALL_TOPIC, "bench.faust", small),
        Side("quixstreams", "quix", job.INPUT_TOPIC, "bench.quix", events),
    ]


async def measure(name: str, *, quick: bool) -> Result:
    """Run all sides in turn on one broker; `name` is stage_embedded or stage_kafka."""
    kind = name.removeprefix("stage_")
    heading(name, f"Avro, keyed state, changelog, produce, commit on {NAMES[kind]}")
    if kind == "kafka" and find_kafka() is None:
        raise SkippedError(NO_KAFKA)
    events, small, repetitions = (4_000, 1_000, 1) if quick else (200_000, 20_000, 3)
    missing = {}
    reason = await asyncio.to_thread(peers.missing, "quixstreams", install=not quick)
    if reason is not None:
        missing["quixstreams"] = reason
    chosen = [
        side for side in sides(events, small, kafka=kind == "kafka") if side.name not in missing
    ]
    with reserved_core() as core:
        async with brokers.site(kind) as site:
            await _prepare(site, chosen)
            runs = await _interleaved(site, chosen, repetitions, core)
    return _result(name, runs, missing, core)


async def _prepare(site: Site, chosen: list[Side]) -> None:
    """Create the peers' topics and write the input."""
    await brokers.create_topics(site.bootstrap, [SMALL_TOPIC, "bench.faust", "bench.quix"])
    for topic, events in {(side.input_topic, side.events) for side in chosen}:
        candles = [job.candle(number, ASSETS) for number in range(events)]
        # A record as old as the candle says would be past its retention and deleted.
        now_ms = int(time.time() * 1000)
        records = [(c.asset.encode(), site.codec.encode(c), now_ms) for c in candles]
        await brokers.preload(site.bootstrap, topic, records)


async def _interleaved(
    site: Site, chosen: list[Side], repetitions: int, core: int | None
) -> dict[str, list[Run | str]]:
    """Run A B C A B C, so that a busy moment of the machine meets every side."""
    bound = "not bound to a core" if core is None else f"worker alone on core {core}"
    print(f"  {ASSETS} assets, {brokers.PARTITIONS} partitions, {bound}")
    print(f"  {'side':<20}{'events':>9}{'wall s':>9}{'cpu s':>9}{'lost s':>9}{UNIT:>18}")
    runs: dict[str, list[Run | str]] = {side.name: [] for side in chosen}
    for repetition in range(1, repetitions + 1):
        for side in chosen:
            try:
                run = await _run(site, side, f"bench{repetition}-{_slug(side)}", core)
            except SideFailedError as error:
                print(f"  {side.name:<20} failed: {error}", flush=True)
                runs[side.name].append("failed")
                continue
            runs[side.name].append(run)
            wall_s, cpu_s, lost_s = run.times
            print(
                f"  {side.name:<20}{run.events:>9,}{wall_s:>9.2f}{cpu_s:>9.2f}{lost_s:>9.2f}"
                f"{run.rate:>18,.0f}   outputs checked",
                flush=True,
            )
    return runs


def _slug(side: Side) -> str:
    return side.module if side.transactions else f"{side.module}-at-least-once"


async def _run(site: Site, side: Side, group: str, core: int | None) -> Run:
    """Run one side in its process and check its outputs."""
    before = await brokers.ends(site.bootstrap, side.output_topic)
    order = Order(
        site.bootstrap,
        site.settings.require_registry(),
        site.schema_ids,
        side.input_topic,
        side.output_topic,
        side.events,
        brokers.PARTITIONS,
        site.session_timeout_s,
        group,
        str(site.settings.state_dir / group),
        core,
    )
    (site.settings.state_dir / group).mkdir()
    times = await _process(site, side, order)
    after = await brokers.ends(site.bootstrap, side.output_topic)
    values = await brokers.values_between(site.bootstrap, before, after)
    wrong = await asyncio.to_thread(job.problems, values, site.codec, side.events, ASSETS)
    if wrong:
        raise SideFailedError(wrong)
    return Run(side.events, times)


async def _process(site: Site, side: Side, order: Order) -> Times:
    """Run a side's process to its end and return what it reports."""
    log = Path(order.state_dir) / "log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            peers.python_of(side.module),
            "-m",
            f"benchmarks.workers.{side.module}",
            json.dumps(order._asdict()),
            env={
                **os.environ,
                **site.environment,
                "PYTHONPATH": str(peers.REPOSITORY),
                "QUANTIVA_TRANSACTIONS": str(side.transactions),
            },
            stdout=output,
            stderr=output,
        )
    try:
        ended = f"status {await asyncio.wait_for(process.wait(), LIMIT_S)}"
    except TimeoutError:
        ended = f"not finished within {LIMIT_S:.0f} s"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    lines = log.read_text("utf-8", "replace").splitlines()
    for text in lines:
        if text.startswith(RESULT):
            return Times(**json.loads(text.removeprefix(RESULT)))
    msg = "\n    ".join([ended, *lines[-8:]])
    raise SideFailedError(msg)


def _result(
    name: str, runs: dict[str, list[Run | str]], missing: dict[str, str], core: int | None
) -> Result:
    rates = {side: _rates(of_side) for side, of_side in runs.items()}
    found: dict[str, float | str] = {
        side: round(median(of_side)) if of_side else "failed" for side, of_side in rates.items()
    }
    value = found.pop("ours")
    if isinstance(value, str):
        msg = "our side failed, see above"
        raise SideFailedError(msg)
    ratios = {
        side: round(median(mine / theirs for mine, theirs in pairs), 2)
        for side in found
        if (pairs := _pairs(runs["ours"], runs[side]))
    }
    failed = [f"{len(of) - len(rates[side])} run(s) of {side}" for side, of in runs.items()]
    note = ", ".join(text for text in failed if not text.startswith("0 "))
    detail = {
        "core": core,
        "runs": {
            side: [
                {"events": run.events, **{k: round(v, 3) for k, v in run.times._asdict().items()}}
                for run in of_side
                if isinstance(run, Run)
            ]
            for side, of_side in runs.items()
        },
    }
    note = f"failed: {note}" if note else ""
    goals = KAFKA_GOALS if AT_LEAST_ONCE in runs else GOALS
    met = goals.met(ratios)
    return Result(name, value, UNIT, str(goals), met, {**found, **missing}, ratios, detail, note)


def _rates(runs: list[Run | str]) -> list[float]:
    return [run.rate for run in runs if isinstance(run, Run)]


def _pairs(mine: list[Run | str], theirs: list[Run | str]) -> list[tuple[float, float]]:
    """Return the rates of the repetitions in which both sides have one."""
    return [
        (a.rate, b.rate)
        for a, b in zip(mine, theirs, strict=True)
        if isinstance(a, Run) and isinstance(b, Run)
    ]

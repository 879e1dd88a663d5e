"""Fusion and the confidence agent over a seeded log, line by line against the committed text.

A change of a formula shows here as a diff that a reviewer can read. To accept one:

    QUANTIVA_UPDATE_GOLDEN=1 .venv/bin/python -m pytest tests/golden

The text is about the engines of the seeded log. An engine that came later is left out of it, and so
are its records where offsets are counted.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from schemas.codec import local_codec
from schemas.scores import EngineScore
from schemas.signals import Decision, PortfolioEquity, PortfolioTrade, Signal, TopSignals
from streams.confidence.confidence_stage import ConfidenceStage
from streams.fusion.fusion_stage import FusionStage
from streams.runner import TopologyRunner
from streams.stage import StrategyAt, Tables
from tests.golden.seeded_log import CYCLES, ENGINES, VERSIONS, CycleOver, make_log

WRITTEN = {"signals", "signals.top", "portfolio.trades", "portfolio.equity"}
GOLDEN = Path(__file__).parent / "fusion_and_ranking.txt"


def run() -> list[Any]:
    """Return the signals, top tens, trades and equity of the seeded log."""
    results: list[Any] = []
    decisions: list[Decision] = []
    runner = TopologyRunner([FusionStage(), ConfidenceStage()])
    for number, event in make_log():
        runner.tables = Tables({key: StrategyAt(*at) for key, at in VERSIONS[number].items()})
        events = event.ends(decisions) if isinstance(event, CycleOver) else [event]
        made = [output for one in events for output in runner.publish(one)]
        decisions += [one.event for one in made if one.topic == "signals.decisions"]
        results += [one.event for one in made if one.topic in WRITTEN]
    return results


def places() -> dict[int, int]:
    """Return the offset in engine.scores -> place among the records of the log's own engines."""
    scores = [event for _, event in make_log() if isinstance(event, EngineScore)]
    own = [offset for offset, score in enumerate(scores) if score.engine in ENGINES]
    return {offset: place for place, offset in enumerate(own)}


PLACES = places()


def _place(offset: int | None) -> int | None:
    return None if offset is None else PLACES[offset]


def number(value: float | None) -> str:
    """Write a number to 12 digits: the same on every machine, and every change is seen."""
    return "-" if value is None else f"{value:.12g}"


def line(event: Any) -> str:
    if isinstance(event, TopSignals):
        ranked = " ".join(
            f"{one.rank}:{one.asset}:{one.action}:{number(one.final_score)}:{number(one.confidence)}"
            for one in event.ranked
        )
        at = event.cycle - CYCLES[0]
        return (
            f"top +{at:07d} {event.strategy_id} complete={event.complete} "
            f"{event.received}/{event.expected} {ranked}"
        )
    if isinstance(event, PortfolioTrade):
        return (
            f"trade +{event.filled_at - CYCLES[0]:07d} {event.strategy_id} {event.side} "
            f"{event.asset} size={number(event.size)} seen={number(event.seen_price_usd)} "
            f"fill={number(event.fill_price_usd)} fee={number(event.fee_usd)} "
            f"profit={number(event.profit_usd)} cash={number(event.cash_usd)} {event.reason}"
        )
    if isinstance(event, PortfolioEquity):
        held = " ".join(f"{one.asset}:{number(one.value_usd)}" for one in event.positions)
        return (
            f"equity +{event.as_of - CYCLES[0]:07d} {event.strategy_id} {event.kind} "
            f"equity={number(event.equity_usd)} cash={number(event.cash_usd)} "
            f"fees={number(event.fees_usd)} closed={event.closed_trades} {held}"
        )
    assert isinstance(event, Signal)
    parts = " ".join(
        f"{one.engine}={one.status}:{number(one.contribution)}:{one.age_ms}:{_place(one.offset)}"
        for one in event.contributions
        if one.engine in ENGINES
    )
    sizing = " ".join(f"{name}={number(value)}" for name, value in sorted(event.sizing.items()))
    inputs = " ".join(
        f"{one.topic}@{PLACES[one.offset] if one.topic == 'engine.scores' else one.offset}"
        for one in event.inputs
        if one.topic != "engine.scores" or one.offset in PLACES
    )
    detail = "; ".join(f"{name}: {text}" for name, text in event.detail.items())
    return (
        f"signal +{event.as_of - CYCLES[0]:07d} {event.asset} {event.strategy_id} {event.trigger} "
        f"{event.action} fused={event.fused_action} override={event.override} "
        f"final={number(event.final_score)} confidence={number(event.confidence)} "
        f"price={number(event.entry_price_usd)} value={number(event.position_value_usd)} "
        f"size={number(event.position_size)} stop={number(event.stop_loss_usd)} "
        f"target={number(event.take_profit_usd)} | {parts} | {sizing} | {inputs} | "
        f"{event.signal_id} | {detail}"
    )


def test_the_seeded_log_gives_the_committed_lines() -> None:
    text = "".join(f"{one}\n" for one in sorted(line(event) for event in run()))
    if os.environ.get("QUANTIVA_UPDATE_GOLDEN") == "1":
        GOLDEN.write_text(text, "utf-8")
    assert text.splitlines() == GOLDEN.read_text("utf-8").splitlines()


def test_the_seeded_log_holds_every_case() -> None:
    """Otherwise the comparison above would prove less than it seems to."""
    results = run()
    signals = [one for one in results if isinstance(one, Signal)]
    tops = [one for one in results if isinstance(one, TopSignals)]
    assert {one.trigger for one in signals} == {"cycle", "change", "request"}
    assert {one.action for one in signals} == {"BUY", "SELL", "HOLD"}
    assert {one.override for one in signals} == {None, "event_risk"}
    statuses = {part.status for one in signals for part in one.contributions}
    assert statuses == {"ok", "missing", "stale"}
    assert {one.complete for one in tops} == {True, False}
    assert len({one.signal_id for one in signals}) == len(signals)


def test_every_line_of_it_goes_over_the_wire_unchanged() -> None:
    codec = local_codec()
    for event in run():
        assert codec.decode(codec.encode(event)) == event

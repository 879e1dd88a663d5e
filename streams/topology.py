"""Which stage reads and writes what: the one list that the worker and the replay run.

* market.news -> headlines -> news.scores
* market topics, news.scores and ticks -> a scoring stage per engine -> engine.scores
* engine.scores, control.requests -> fusion -> signals.decisions
* signals.decisions -> confidence -> signals, signals.top, portfolio.trades, portfolio.equity
* engine.scores, signals -> outcomes -> signals.outcomes
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import Any

from schemas.engines import ENGINES
from streams.confidence.confidence_stage import ConfidenceStage
from streams.confidence.trading import Config as Trading
from streams.engines.base import Engine
from streams.engines.scoring_stage import ScoringStage
from streams.fusion.fusion_stage import FusionStage
from streams.headlines.stage import HeadlinesStage
from streams.outcomes.outcomes_stage import OutcomesStage
from streams.settings_tree import current, current_version
from streams.stage import Stage


def scoring_engine(name: str) -> Engine[Any, Any]:
    """Return an engine by its name, with the settings of this process.

    LookupError when its module holds none of that name.

    It is imported here, not above, so that a worker of one stage needs no other's libraries.
    """
    module = f"streams.engines.{name}"
    engine = getattr(import_module(module), "ENGINE", None)
    if not isinstance(engine, Engine) or engine.name != name:
        msg = f"{module}.ENGINE is {engine!r}, not the engine {name!r}"
        raise LookupError(msg)
    config = current().get(name, engine.config)
    return engine if config == engine.config else replace(engine, config=config)


def scoring_engines() -> tuple[Engine[Any, Any], ...]:
    """Return the engines in the order of the contract."""
    return tuple(scoring_engine(name) for name in ENGINES)


def stage_names() -> tuple[str, ...]:
    """Return the names of all stages, in the order of the flow."""
    flow = (FusionStage.name, ConfidenceStage.name, OutcomesStage.name)
    return (HeadlinesStage.name, *ENGINES, *flow)


@cache
def stage(name: str) -> Stage:
    """Return a stage by its name; LookupError names those that exist."""
    if name == HeadlinesStage.name:
        return HeadlinesStage(current()["headlines"])
    if name == FusionStage.name:
        return FusionStage(current()["fusion"], current()["sizing"], current_version())
    if name == ConfidenceStage.name:
        trading = Trading(current()["sizing"], current()["fills"])
        return ConfidenceStage(trading, current()["ranking"], current_version())
    if name == OutcomesStage.name:
        return OutcomesStage(current_version())
    if name in ENGINES:
        return ScoringStage(scoring_engine(name), current_version())
    msg = f"no stage {name!r}; there are {', '.join(stage_names())}"
    raise LookupError(msg)


def uses_strategies(stage: Stage) -> bool:
    """Return whether a stage looks into the table of strategies."""
    if isinstance(stage, ScoringStage):
        return stage.engine.want is not None
    return stage.name == FusionStage.name


def stages() -> tuple[Stage, ...]:
    """Return all stages, in the order of the flow."""
    return tuple(stage(name) for name in stage_names())

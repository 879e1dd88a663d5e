"""The table of schemas: name, Avro text and the struct that stands for it in code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from schemas.control import SignalRequest, Strategy
from schemas.dead_letters import DeadLetter
from schemas.explanations import Explanation
from schemas.market import (
    CalendarEvent,
    Candle,
    Fundamentals,
    NewsArticle,
    OrderBook,
    TrendingAsset,
)
from schemas.outcomes import Outcome
from schemas.scores import EngineScore, NewsScore
from schemas.signals import Decision, PortfolioEquity, PortfolioTrade, Signal, TopSignals
from schemas.sources import SourceStatus

STRUCTS: dict[str, type[msgspec.Struct]] = {
    "trending_asset": TrendingAsset,
    "news_article": NewsArticle,
    "candle": Candle,
    "order_book": OrderBook,
    "fundamentals": Fundamentals,
    "calendar_event": CalendarEvent,
    "strategy": Strategy,
    "signal_request": SignalRequest,
    "engine_score": EngineScore,
    "signal": Signal,
    "top_signals": TopSignals,
    "dead_letter": DeadLetter,
    "source_status": SourceStatus,
    "explanation": Explanation,
    "news_score": NewsScore,
    "decision": Decision,
    "portfolio_trade": PortfolioTrade,
    "portfolio_equity": PortfolioEquity,
    "outcome": Outcome,
}
"""Struct by schema name; the order is the order of registration, so ids are stable."""


@dataclass(frozen=True, slots=True)
class Schema:
    """One event of the contract: its name, its struct and its Avro text, parsed and raw."""

    name: str
    struct: type[msgspec.Struct]
    avro: dict[str, Any]
    text: str


def avro_text(name: str, *, previous: bool = False) -> str:
    """Return the committed .avsc of a schema; with `previous`, of the last released version.

    Raises FileNotFoundError when there is none.
    """
    folder = files("schemas") / "avro"
    return ((folder / "previous" if previous else folder) / f"{name}.avsc").read_text("utf-8")


@cache
def schema(name: str) -> Schema:
    """Return a schema by its name; KeyError names the ones that exist."""
    if name not in STRUCTS:
        msg = f"no schema {name!r}; there are {', '.join(STRUCTS)}"
        raise KeyError(msg)
    text = avro_text(name)
    return Schema(name, STRUCTS[name], json.loads(text), text)


@cache
def field_docs() -> dict[str, dict[str, str]]:
    """Return the documentation of each field by the name of its record, nested ones too."""
    found: dict[str, dict[str, str]] = {}

    def walk(avro: Any) -> None:
        if isinstance(avro, list):
            for one in avro:
                walk(one)
        elif isinstance(avro, dict):
            if avro.get("type") == "record":
                fields = avro["fields"]
                found[avro["name"]] = {one["name"]: one["doc"] for one in fields if "doc" in one}
            for one in avro.values():
                walk(one)

    for name in STRUCTS:
        walk(schema(name).avro)
    return found


def schema_name(event: msgspec.Struct | type[msgspec.Struct]) -> str:
    """Return the schema name of an event or of its struct."""
    return _NAMES[event if isinstance(event, type) else type(event)]


_NAMES = {struct: name for name, struct in STRUCTS.items()}

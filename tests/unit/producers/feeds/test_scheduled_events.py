"""The calendar feed: heartbeats for what an answering source covers, and for nothing else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from producers.feeds.asset_universe import AssetUniverse
from producers.feeds.scheduled_events import (
    CalendarFeed,
    Checked,
    Events,
    coinmarketcal_events,
    file_events,
    vendor_events,
)
from producers.feeds.upstream_clients import UpstreamClient
from producers.http_client.health import SourceHealth
from producers.http_client.quota import Quota
from producers.http_client.upstream import Limits
from producers.upstreams.rows import CoinRow, EventRow
from schemas.events import MarketEvent
from schemas.market import CalendarEvent
from tests.unit.producers.http_client.harness import (
    Reply,
    Server,
    StepClock,
    asking,
    serving,
    upstream,
)

ASSETS = ("BTC", "ETH", "OBSCURE")
DAY_MS = 86_400_000


def universe() -> AssetUniverse:
    known = AssetUniverse()
    coins = {"BTC": "bitcoin", "ETH": "ethereum", "OBSCURE": "obscure-coin"}
    known.learn(
        [
            CoinRow(source="coingecko", source_id=slug, symbol=symbol, name=slug, slug=slug)
            for symbol, slug in coins.items()
        ],
        0,
    )
    known.follow(ASSETS)
    return known


@asynccontextmanager
async def linked(name: str) -> AsyncIterator[tuple[Server, UpstreamClient]]:
    clock, one = StepClock(), upstream(name)
    quota = Quota(Limits(), clock, upstream=name)
    async with serving(clock) as server, asking(clock, server.url, one, quota) as client:
        health = SourceHealth(name, ("calendar",), quota, clock)
        yield server, UpstreamClient(name, client, quota, health)


def row(symbol: str, number: int = 1) -> EventRow:
    return EventRow(
        source="test",
        source_id=str(number),
        title="Token unlock",
        coins=(("", symbol),),
        category="unlock",
        starts_at=StepClock().now_ms() + 5 * DAY_MS,
        precision="day",
        impact=0.6,
        certainty=0.9,
    )


def source(answer: Checked | None) -> Events:
    async def events(assets: Sequence[str], now_ms: int) -> Checked | None:
        return answer

    return events


async def beats(sources: Sequence[tuple[str, Events]]) -> dict[str, list[str]]:
    """Return the assets of the heartbeats of one run, by source."""
    sent: list[tuple[str, CalendarEvent]] = []

    async def emit(name: str, events: Sequence[MarketEvent]) -> int:
        sent.extend((name, one) for one in events if isinstance(one, CalendarEvent))
        return len(events)

    await CalendarFeed(sources, universe(), emit, StepClock()).run(0)
    found: dict[str, list[str]] = {name: [] for name, _ in sources}
    for name, event in sent:
        if event.source_id.startswith("heartbeat:"):
            found[name].append(event.asset)
    return found


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param([Checked([row("ETH")], ())], [[]], id="half an answer covers nothing"),
        pytest.param([Checked((), ("BTC", "ETH"))], [["BTC", "ETH"]], id="what it was asked for"),
        pytest.param([Checked((), ("BTC", "ADA"))], [["BTC"]], id="of the universe only"),
        pytest.param([None, Checked((), ("BTC",))], [[], ["BTC"]], id="the answering one"),
        pytest.param(
            [Checked((), ("BTC",)), Checked((), ("BTC", "ETH"))],
            [["BTC"], ["ETH"]],
            id="each asset once",
        ),
        pytest.param([None, None], [[], []], id="none answered"),
    ],
)
async def test_heartbeats(answers: list[Checked | None], expected: list[list[str]]) -> None:
    sources = [(f"source{place}", source(answer)) for place, answer in enumerate(answers)]
    assert list((await beats(sources)).values()) == expected


@pytest.mark.parametrize(
    ("content", "covered"),
    [
        pytest.param([], [], id="empty"),
        pytest.param(
            [{"asset": "BTC", "title": "Fork", "starts_at": "2099-01-01"}], ["BTC"], id="1"
        ),
    ],
)
async def test_a_calendar_file_covers_the_assets_in_it(
    tmp_path: Path, content: list[dict[str, str]], covered: list[str]
) -> None:
    path = tmp_path / "calendar.json"
    path.write_text(json.dumps(content), "utf-8")
    health = SourceHealth("file", ("calendar",), None, StepClock(), cadence_s=3600.0)
    assert await beats([("file", file_events(path, health, universe()))]) == {"file": covered}


def page(number: int, pages: int) -> Reply:
    raw = {
        "id": number,
        "title": {"en": "Mainnet upgrade"},
        "coins": [{"id": "bitcoin", "symbol": "BTC"}],
        "date_event": "2099-01-01T00:00:00Z",
        "created_date": "2026-01-01T00:00:00Z",
        "categories": [{"name": "Release"}],
    }
    body = {"body": [raw], "_metadata": {"page": number, "page_count": pages}}
    return Reply(body=json.dumps(body).encode())


@pytest.mark.parametrize(
    ("script", "covered"),
    [
        pytest.param([page(1, 1)], ["BTC", "ETH"], id="one page"),
        pytest.param([page(1, 2), page(2, 2)], ["BTC", "ETH"], id="all pages"),
        pytest.param([page(1, 2), Reply(403)], [], id="a page failed"),
        pytest.param([page(n, 9) for n in range(1, 5)], [], id="more pages than are asked for"),
        pytest.param([Reply(403)], None, id="no answer"),
    ],
)
async def test_coinmarketcal_covers_the_slugs_that_it_was_asked_for(
    script: list[Reply], covered: list[str] | None
) -> None:
    async with linked("coinmarketcal") as (server, client):
        server.script += script
        answer = await coinmarketcal_events(client, universe())(("BTC", "ETH", "NOSLUG"), 0)
    assert (None if answer is None else sorted(answer.covered or ())) == covered


@pytest.mark.parametrize(("pages", "covered"), [(1, ASSETS), (2, ())], ids=["all", "the first"])
async def test_a_vendor_covers_what_it_answers_whole(pages: int, covered: Sequence[str]) -> None:
    async with linked("cryptonews") as (server, client):
        server.default = Reply(body=json.dumps({"data": [], "total_pages": pages}).encode())
        answer = await vendor_events(client)(ASSETS, 0)
    assert answer is not None
    assert tuple(answer.covered or ()) == tuple(covered)

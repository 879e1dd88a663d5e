"""What the settings allow to ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from producers.dedup.headlines import SeenNews
from producers.dedup.published_index import PublishedIndex
from producers.feeds.assembly import FEEDS, SCHEDULED, feeds_of
from producers.feeds.asset_universe import AssetUniverse
from producers.feeds.upstream_clients import UpstreamClients, open_clients
from producers.settings import SourceSettings
from producers.upstreams.table import BY_NAME
from tests.unit.producers.http_client.harness import StepClock

KEYLESS = ("rss", "announcements", "coinmetrics", "feargreed")
KEYS = {f"{name}_key": "a-key-of-a-test" for name in BY_NAME if name not in KEYLESS}


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in BY_NAME:
        monkeypatch.delenv(f"{name.upper()}_API_KEY", raising=False)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


def clients(session, folder: Path, names=FEEDS, **settings: object) -> UpstreamClients:
    return open_clients(names, SourceSettings(**settings), session, StepClock(), folder)  # type: ignore[arg-type]


async def test_without_keys_the_free_ones_are_asked_and_the_others_say_what_to_set(
    session, tmp_path
) -> None:
    found = clients(session, tmp_path)
    assert set(found.open) == {"coingecko", *KEYLESS}
    states = {name: health.status() for name, health in found.health.items()}
    assert {name for name, one in states.items() if one.state == "off"} == {
        *("lunarcrush", "cryptonews", "stocknews", "coinmarketcal")
    }
    assert states["lunarcrush"].detail == "no key: set LUNARCRUSH_API_KEY to use it"


@pytest.mark.parametrize(
    ("settings", "minute", "day"),
    [
        pytest.param({}, 5, 322, id="no key"),
        pytest.param({"coingecko_key": "k" * 12}, 30, 322, id="a key"),
        pytest.param({"per_minute": {"coingecko": 9}}, 9, 322, id="another minute"),
        pytest.param({"per_day": {"coingecko": 900}}, 5, 900, id="another day, and no month"),
    ],
)
async def test_limits(session, tmp_path, settings, minute: int, day: int) -> None:
    status = clients(session, tmp_path, **settings).health["coingecko"].status()
    assert (status.limit_minute, status.limit_day) == (minute, day)


async def test_one_that_only_stands_by_is_never_late(session, tmp_path) -> None:
    found = clients(session, tmp_path, ("trending",), **KEYS)
    clock = found.open["coingecko"].client._clock
    assert isinstance(clock, StepClock)
    clock.at_ms += 10 * 86_400_000
    assert found.health["coingecko"].status().state == "ok"
    assert found.health["lunarcrush"].status().state == "failing"


async def test_what_is_left_out_is_never_asked_and_says_so(session, tmp_path) -> None:
    found = clients(session, tmp_path, sources_off=("coinmetrics", "rss"))
    assert set(found.open) == {"coingecko", *KEYLESS} - {"coinmetrics", "rss"}
    status = found.health["coinmetrics"].status()
    assert (status.state, status.detail) == ("off", "left out by QUANTIVA_SOURCES_OFF")
    with pytest.raises(ValueError, match="names no upstream with 'coinmetric'"):
        SourceSettings(sources_off=("coinmetric",))


@pytest.mark.parametrize("has_keys", [False, True], ids=["no keys", "all keys"])
async def test_feeds_are_made_of_what_there_is(session, tmp_path, has_keys: bool) -> None:
    file = tmp_path / "events.json"
    settings = SourceSettings(calendar_file=file, **(KEYS if has_keys else {}))  # type: ignore[arg-type]
    found = open_clients(FEEDS, settings, session, StepClock(), tmp_path)

    async def emit(source, events) -> int:
        return len(events)

    index = PublishedIndex(SeenNews())
    made = feeds_of(FEEDS, settings, found, AssetUniverse(), emit, StepClock(), index)
    also = ("social", "mood") if has_keys else ("mood",)
    assert tuple(feed.name for feed in made) == SCHEDULED + also
    # The file is not there: its health says so, and nobody else is hurt.
    calendar = made[SCHEDULED.index("calendar")]
    if not has_keys:
        await calendar.run(0)
        assert found.health["file"].status().state == "failing"


@pytest.mark.parametrize(
    ("names", "made"),
    [
        pytest.param(("trending",), ["trending", "social", "mood"], id="with the ticks"),
        pytest.param(("news", "candles"), ["news"], id="not without"),
    ],
)
async def test_the_networks_are_asked_where_the_ticks_are(session, tmp_path, names, made) -> None:
    settings = SourceSettings(**KEYS)  # type: ignore[arg-type]
    found = open_clients(names, settings, session, StepClock(), tmp_path)

    async def emit(source, events) -> int:
        return len(events)

    feeds = feeds_of(
        names, settings, found, AssetUniverse(), emit, StepClock(), PublishedIndex(SeenNews())
    )
    assert [feed.name for feed in feeds] == made


@pytest.mark.parametrize("field", ["per_minute", "per_day"])
@pytest.mark.parametrize(
    ("limits", "said"),
    [
        pytest.param({"lunarcruch": 4}, "names no upstream with 'lunarcruch'", id="a typo"),
        pytest.param({"rss": 0}, "allows rss 0 requests", id="nothing allowed"),
    ],
)
def test_wrong_limits_are_refused(field: str, limits: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SourceSettings(**{field: limits})  # type: ignore[arg-type]

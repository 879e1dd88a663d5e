"""The state of sentiment, and which headlines of a moment count, in whatever order they come."""

from __future__ import annotations

from hashlib import blake2b
from math import log2

import msgspec

from schemas.scores import NewsScore
from schemas.times import MINUTE_MS
from streams.engines.repetition import entry, known_by, minute_of, told_at
from streams.engines.social import Social

_RECORD_BYTES = 6


class Headline(msgspec.Struct, frozen=True, order=True, gc=False, array_like=True):
    """A scored headline, ordered by time and then by content.

    told_at   since when it counts, ms
    entry     what a repetition of it is known by
    record    hash of source and the source's id
    weight    its weight when new
    offset    its place in market.news
    """

    told_at: int
    entry: bytes
    record: bytes
    score: float
    weight: float
    by_model: bool
    offset: int


class State(msgspec.Struct, frozen=True, gc=False):
    """State of one asset; sums are decayed to `clock` (ms, 0: nothing seen).

    `moment` has the headlines that came since the clock moved there; `carried` are the sums before
    them, `before` and `before_ms` average and clock of the moment before, `social_before` what the
    social part was before the newest tick. `leading` (the heaviest), `news_times` and `articles`
    are of earlier moments. `model` and `no_model` say what read the newest headlines, or why none.
    """

    clock: int = 0
    price_usd: float | None = None
    ema: float | None = None
    raw: float = 0.0
    news_sum: float = 0.0
    news_weight: float = 0.0
    model_weight: float = 0.0
    leading: tuple[Headline, ...] = ()
    news_times: tuple[int, ...] = ()
    articles: bytes = b""
    social: Social = Social()
    moment: tuple[Headline, ...] = ()
    carried: tuple[float, float, float] = (0.0, 0.0, 0.0)
    before: float | None = None
    before_ms: int = 0
    social_before: Social = Social()
    tick: bytes = b""
    model: str = ""
    no_model: str = ""


def headline_of(news: NewsScore, silent_weight: float) -> Headline:
    """Return a headline as it is kept; one on which nobody speaks has the silent weight."""
    source = f"{news.source}\n{news.source_id}".encode("utf-8", "replace")
    return Headline(
        told_at(news),
        entry(news),
        blake2b(source, digest_size=_RECORD_BYTES).digest(),
        news.score,
        max(news.confidence, silent_weight) * news.source_weight,
        news.model is not None,
        news.article.offset,
    )


def entries(moment: tuple[Headline, ...]) -> bytes:
    """Return what the headlines of a moment are known by when they come again, each once."""
    return b"".join(dict.fromkeys(one.entry for one in moment))


def counted(moment: tuple[Headline, ...], within_ms: float) -> list[Headline]:
    """Return the headlines of a moment that count, in order: of several copies the first one.

    A copy has the headline or the url of one before it, that was published less than `within_ms`
    earlier.
    """
    newest: dict[bytes, int] = {}
    found = []
    for one in moment:
        minute, names = minute_of(one.entry), known_by(one.entry)
        since = minute - within_ms / MINUTE_MS
        if not any(newest.get(name, -1) > since for name in names):
            found.append(one)
        for name in names:
            newest[name] = max(minute, newest.get(name, 0))
    return found


def heaviest(
    state: State, within_ms: float, half_life_ms: float, most: int
) -> tuple[Headline, ...]:
    """Return the heaviest headlines. All decay alike, so their order never changes with time."""

    def rank(one: Headline) -> tuple[float, Headline]:
        return log2(one.weight) + one.told_at / half_life_ms, one

    new = [one for one in counted(state.moment, within_ms) if one.weight > 0.0]
    return tuple(sorted((*state.leading, *new), key=rank, reverse=True)[:most])

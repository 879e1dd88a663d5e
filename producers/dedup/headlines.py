"""Which headlines are repetitions: the same address or an equivalent title, for one asset.

Two articles are compared only when published less than 48 hours apart, as the sentiment engine
does: a later one of the same title is news again. An article published longer ago than that is
not taken up at all. So what is remembered can be forgotten with its time, and an article that a
feed still shows is not new for that.

`SeenNews` is the `NewsMemory` of `producers.dedup.published_index`.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import msgspec
from w3lib.url import canonicalize_url, url_query_cleaner

from producers.dedup.titles import Title, is_same_story, title_of
from schemas.market import NewsArticle
from schemas.times import HOUR_MS

WITHIN_MS = 48 * HOUR_MS
_TIDY_MS = HOUR_MS

_TRACKING = (
    *("fbclid", "gclid", "igshid", "mc_cid", "mc_eid", "msclkid", "ref", "ref_src", "referrer"),
    *("source", "cmp", "cmpid", "smid", "guccounter", "amp", "outputtype", "feature", "share"),
)
_UTM = re.compile(r"[?&](utm_[^=&#]*)", re.IGNORECASE)
_HOST = re.compile(r"^(?:(?:www\d?|m|amp|mobile)\.)+(?=[^.]+\.)")
_AMP_PATH = re.compile(r"/amp/?$|\.amp(?=\.html?$|$)", re.IGNORECASE)


class Seen(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A headline that came: its address as compared, its words, when it was published (ms)."""

    url: str
    words: tuple[str, ...]
    is_cut: bool
    published_at: int


def canonical_url(url: str) -> str:
    """Return an address such that those of one article are equal; empty for no address.

    http or https, www, a phone's or an AMP page, tracking parameters, the order of the others,
    a fragment, a last slash and the case of the host make no difference.
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        port = "" if parts.port in {None, 80, 443} else f":{parts.port}"
    except ValueError:
        return url
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
        return url
    # In brackets where it is an IPv6 address.
    host = f"[{parts.hostname}]" if ":" in parts.hostname else _HOST.sub("", parts.hostname)
    path = _AMP_PATH.sub("", parts.path).rstrip("/")
    query = f"?{parts.query}" if parts.query else ""
    tracking = (*_TRACKING, *_UTM.findall(query))
    cleaned = url_query_cleaner(
        f"https://{host}{port}{path}{query}", tracking, remove=True, unique=False
    )
    return str(canonicalize_url(cleaned, keep_fragments=False)).rstrip("/?")


class SeenNews:
    """Remembers the headlines of each asset; the only time that it knows is `observed_at`.

    An article of an unknown time counts as published when it was observed.
    """

    def __init__(self, within_ms: int = WITHIN_MS) -> None:
        self._within_ms = within_ms
        self._by_asset: dict[str, dict[Seen, None]] = {}
        self._clock = 0
        self._tidied_at = 0

    def __len__(self) -> int:
        """Return how many are remembered."""
        return sum(map(len, self._by_asset.values()))

    def is_new(self, article: NewsArticle) -> bool:
        """Return whether an article is news: neither old nor like one that was applied."""
        return self.why_not(article) is None

    def why_not(self, article: NewsArticle) -> str | None:
        """Return why an article is no news: "old", "same url" or "same title"; None if it is."""
        if _published_at(article) <= article.observed_at - self._within_ms:
            return "old"
        return self._repeats(article.asset, _seen(article))

    def apply(self, article: NewsArticle) -> None:
        """Remember an article; one applied before changes nothing."""
        self._by_asset.setdefault(article.asset, {})[_seen(article)] = None
        self._clock = max(self._clock, article.observed_at)
        if self._clock >= self._tidied_at + _TIDY_MS:
            self._tidy()

    def snapshot(self) -> dict[str, Any]:
        """Return all that is remembered as dicts, lists, strings and numbers."""
        self._tidy()
        assets = {
            asset: msgspec.to_builtins(list(seen)) for asset, seen in sorted(self._by_asset.items())
        }
        return {"clock": self._clock, "assets": assets}

    def restore(self, data: Any) -> None:
        """Become what `snapshot` returned; msgspec.ValidationError for anything else."""
        read = msgspec.convert(data, _Snapshot)
        self._by_asset = {asset: dict.fromkeys(seen) for asset, seen in read.assets.items()}
        self._clock = self._tidied_at = read.clock

    def _tidy(self) -> None:
        """Forget what can be like no article that is not old: this bounds the memory."""
        since = self._clock - 2 * self._within_ms
        kept = {
            asset: {one: None for one in seen if one.published_at > since}
            for asset, seen in self._by_asset.items()
        }
        self._by_asset = {asset: seen for asset, seen in kept.items() if seen}
        self._tidied_at = self._clock

    def _repeats(self, asset: str, new: Seen) -> str | None:
        title = Title(new.words, new.is_cut)
        for before in self._by_asset.get(asset, ()):
            if abs(new.published_at - before.published_at) >= self._within_ms:
                continue
            if new.url and new.url == before.url:
                return "same url"
            if is_same_story(title, Title(before.words, before.is_cut)):
                return "same title"
        return None


class _Snapshot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    clock: int
    assets: dict[str, list[Seen]]


def _published_at(article: NewsArticle) -> int:
    """Return when an article was published: no later than it was seen."""
    known = article.published_at
    return article.observed_at if known is None else min(known, article.observed_at)


def _seen(article: NewsArticle) -> Seen:
    title = title_of(article.headline)
    url = canonical_url(article.url)
    return Seen(url, title.words, title.is_cut, _published_at(article))

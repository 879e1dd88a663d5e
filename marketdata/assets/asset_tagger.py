"""The assets that a headline is about, by its source's tags and by its own words.

A source's own list of tickers is made for it and trusted. Tags are not: "A", "US", "IN" and "4"
are coins, too, but as tags mostly words of the headline. Such a tag counts where the text names
the coin; the tag of a large coin that is called like no word counts in any case.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from marketdata.assets.mentions import is_large, is_plain, is_sure_name, mentioned
from marketdata.assets.symbols import Catalogue, fold
from marketdata.assets.words import is_seldom

STOCK_SOURCES = frozenset({"stocknews"})
"""Sources whose tickers are stocks as well ("T" is AT&T): taken as tags."""


class NewsLike(Protocol):
    """What is looked at of a headline."""

    @property
    def source(self) -> str:
        """Name of the source."""

    @property
    def headline(self) -> str:
        """Plain text."""

    @property
    def summary(self) -> str | None:
        """Plain text; only tags are looked for in it."""

    @property
    def tickers(self) -> tuple[str, ...]:
        """The source's own list of coins."""

    @property
    def tags(self) -> tuple[str, ...]:
        """Words that the source filed it under."""


def assets_of(row: NewsLike, catalogue: Catalogue) -> tuple[str, ...]:
    """Return the assets that a headline is about, those of the source first; each once.

    Where the source lists coins, these; else the tags that are coins, and what the headline names.
    """
    trusted = row.source not in STOCK_SOURCES
    if row.tickers and trusted:
        return _once(catalogue.of_symbol(ticker) for ticker in row.tickers)
    tags = (*row.tickers, *row.tags)
    tagged = assets_of_tags(tags, row.headline, row.summary, catalogue)
    return _once((*tagged, *mentioned(row.headline, catalogue)))


def assets_of_tags(
    tags: Iterable[str], headline: str, summary: str | None, catalogue: Catalogue
) -> tuple[str, ...]:
    """Return the assets of the tags that mean coins, in the order of the tags."""
    found = [(tag, _meant(tag, catalogue)) for tag in tags]
    claimed = frozenset(asset for tag, asset in found if asset is not None and _is_ticker(tag))
    named = frozenset(
        asset
        for text in (headline, summary)
        if text is not None
        for asset in (mentioned(text, catalogue, claimed) if claimed else ())
    )
    return _once(
        asset
        for tag, asset in found
        if asset is not None and (asset in named or _stands_alone(tag, asset, headline, catalogue))
    )


def _is_ticker(tag: str) -> bool:
    """Whether a tag is written like a ticker; "Markets" is none, though coins are called so."""
    return tag == tag.upper()


def _meant(tag: str, catalogue: Catalogue) -> str | None:
    return catalogue.resolve(tag) if _is_ticker(tag) else catalogue.by_name.get(fold(tag))


def _stands_alone(tag: str, asset: str, headline: str, catalogue: Catalogue) -> bool:
    """Whether a tag means its coin even where the text does not name it.

    Also a word that is seldom one ("UNI") does, unless the tag may be a word of the headline.
    """
    if _is_ticker(tag) and catalogue.of_symbol(tag) == asset:
        if is_plain(asset, catalogue):
            return True
        seldom = is_large(asset, catalogue) and is_seldom(asset, catalogue.rank(asset))
        if seldom and fold(tag) not in fold(headline).split():
            return True
    name = fold(tag)
    return catalogue.by_name.get(name) == asset and is_sure_name(
        name, asset, catalogue, tagged=False
    )


def _once(assets: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(asset for asset in assets if asset is not None))

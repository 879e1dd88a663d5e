"""From the rows of news, calendar and coin sources to market events. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import asdict

from marketdata.assets.symbols import Catalogue, fold
from producers.upstreams.rows import ChainRow, CoinRow, DetailRow, EventRow, NewsRow
from schemas.market import MEASURES, CalendarEvent, Fundamentals, NewsArticle
from schemas.names import short_id


def articles(row: NewsRow, assets: Sequence[str], observed_at: int) -> tuple[NewsArticle, ...]:
    """Return a headline as an article about each of its assets."""
    published_at = row.published_at
    happened_at = min(published_at or observed_at, observed_at)
    return tuple(
        NewsArticle(
            asset=asset,
            event_time=happened_at,
            observed_at=observed_at,
            published_at=published_at,
            source=row.source,
            source_id=f"{short_id(row.source_id)}:{asset}",
            headline=row.headline,
            summary=row.summary,
            url=row.url,
            publisher=row.publisher or row.source,
            sentiment_label=row.sentiment_label,
        )
        for asset in assets
    )


def scheduled(
    row: EventRow, catalogue: Catalogue, wanted: Iterable[str], observed_at: int
) -> tuple[CalendarEvent, ...]:
    """Return a scheduled event as one of each wanted asset that it is about."""
    followed = frozenset(wanted)
    assets = dict.fromkeys(
        asset
        for slug, symbol in row.coins
        if (asset := asset_of(slug, symbol, catalogue)) in followed
    )
    return tuple(
        CalendarEvent(
            asset=asset,
            event_time=min(row.published_at or observed_at, observed_at),
            observed_at=observed_at,
            published_at=row.published_at,
            source=row.source,
            source_id=f"{short_id(row.source_id)}:{asset}",
            title=row.title,
            category=row.category,
            starts_at=row.starts_at,
            impact=row.impact,
            certainty=row.certainty,
            url=row.url,
            cancelled=row.cancelled,
        )
        for asset in assets
    )


def asset_of(slug: str, symbol: str, catalogue: Catalogue) -> str:
    """Return the asset of an event's coin, "" for none: its slug is unique, its ticker is not."""
    named = catalogue.by_name.get(fold(slug)) if slug else None
    return named or (catalogue.of_symbol(symbol) if symbol else None) or ""


def fundamentals(
    asset: str,
    observed_at: int,
    coin: CoinRow | None,
    detail: DetailRow | None,
    volume_30d_avg_usd: float | None = None,
    detail_at: int | None = None,
) -> Fundamentals | None:
    """Join what is known of an asset; None when nothing is.

    The coin list is requested more often, so its numbers go before those of the detail, and of the
    mean volume, which were asked for at `detail_at`.
    """
    older, newer = _measures(detail), _measures(coin)
    if volume_30d_avg_usd is not None:
        older["volume_30d_avg_usd"] = volume_30d_avg_usd
    first = coin or detail
    if first is None or not older | newer:
        return None
    measured_at = dict.fromkeys((name for name in older if name not in newer), detail_at)
    return Fundamentals(
        asset=asset,
        event_time=observed_at,
        observed_at=observed_at,
        source=first.source,
        source_id=f"{asset}:{observed_at}",
        measured_at={name: at_ms for name, at_ms in measured_at.items() if at_ms} or None,
        **(older | newer),  # type: ignore[arg-type]
    )


def _measures(row: CoinRow | DetailRow | None) -> dict[str, float]:
    values = {} if row is None else asdict(row)
    return {name: values[name] for name in MEASURES if values.get(name) is not None}


def on_chain(asset: str, observed_at: int, row: ChainRow) -> Fundamentals | None:
    """Return what happened on an asset's chain; None where no day of it is over."""
    known = {
        name: value for name, value in row.values.items() if row.measured_at[name] <= observed_at
    }
    if not known:
        return None
    measured_at = {name: row.measured_at[name] for name in known}
    return Fundamentals(
        asset=asset,
        event_time=max(measured_at.values()),
        observed_at=observed_at,
        source=row.source,
        source_id=f"{asset}:{observed_at}",
        measured_at=measured_at,
        **known,  # type: ignore[arg-type]
    )


def heartbeat(source: str, asset: str, observed_at: int) -> CalendarEvent:
    """Return the event that shows that a calendar was checked for an asset."""
    return CalendarEvent(
        asset=asset,
        event_time=observed_at,
        observed_at=observed_at,
        source=source,
        source_id=f"heartbeat:{asset}",
        title="calendar checked",
        category="other",
        starts_at=observed_at,
        impact=0.0,
        certainty=1.0,
    )

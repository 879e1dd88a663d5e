"""Cutting a stream of market events into waves, so that a play is the same every time.

An engine reads its own topic and the tick, each from another partition of the log, and sees them
in no fixed order. Within a wave that order cannot matter: no asset occurs in two of
its topics. Between waves the player waits until the pipeline has done everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schemas.events import TOPIC_OF, MarketEvent
from schemas.market import TrendingAsset


def conflict_free_batches(
    events: Iterable[MarketEvent], max_size: int = 5000
) -> Iterator[list[MarketEvent]]:
    """Cut events into the longest runs in which every asset occurs in one topic only.

    A tick never shares a wave with another topic, nor with another tick of its asset: all engines
    answer a tick, and fusion would see the answers to two of them interleaved as chance has it.
    No wave holds more than `max_size` events.
    The waves one after the other are the events again, in the same order; none is empty.
    Raises ValueError when `max_size` is below 1.
    """
    if max_size < 1:
        msg = f"max_size {max_size} is less than 1"
        raise ValueError(msg)
    wave: list[MarketEvent] = []
    topic_of_asset: dict[str, str] = {}
    ticks = False
    for event in events:
        topic, is_tick = TOPIC_OF[type(event)].name, type(event) is TrendingAsset
        held = topic_of_asset.get(event.asset)
        clash = held is not None and (is_tick or held != topic)
        if wave and (clash or is_tick != ticks or len(wave) >= max_size):
            yield wave
            wave, topic_of_asset = [], {}
        wave.append(event)
        topic_of_asset[event.asset] = topic
        ticks = is_tick
    if wave:
        yield wave


def chunks(events: Iterable[MarketEvent], max_size: int = 5000) -> Iterator[list[MarketEvent]]:
    """Cut events into lists of `max_size` (the last one shorter), whatever is in them."""
    chunk: list[MarketEvent] = []
    for event in events:
        chunk.append(event)
        if len(chunk) >= max_size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk

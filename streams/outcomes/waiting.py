"""Scores and signals that wait for the price after them. Pure; one rule, live and replayed.

A **moment** is one cycle of an asset: what was said in it, and the newest price that was seen in
it, with the time at which that price was seen (`price_at`), which may lie before the cycle.

* **The price of a score** is the next one: the first that is seen after the score and is another
  than that of its own moment, within 70 minutes (an hourly candle and a cycle). A price that has
  not changed may be an old one: recorded hourly candles give the same close to six ticks. So no
  part of a return lies before its score; it is what one gets who acts at the next price.
* **The later price** is the first one seen at `price_at` + horizon (less a minute: ticks do not
  come at the same second) or after it, at most one cycle of ten minutes after it.
* What gets no price is told as an outcome without a return, once no such price can come.

The outcome is known at the end of the moment whose price was the later one. So that few wait, not
every moment is followed to every horizon: all of them to 1 h and 4 h, the first of every hour to
1 d, the first of every four hours to 7 d. In one horizon there are at most 42 then: what is left
out overlaps the rest and would say next to nothing new.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from schemas.outcomes import HORIZON_MS, NO_LATER_PRICE, NO_PRICE
from schemas.times import CYCLE_MS, HOUR_MS, MINUTE_MS

EARLY_MS = MINUTE_MS
"""How much earlier than the horizon the later price may be seen."""
LATE_MS = CYCLE_MS
"""How much later than the horizon the later price may be seen."""
PRICE_WAIT_MS = HOUR_MS + CYCLE_MS
"""How long a score waits for its price."""
MOST_LOST = 40
"""Moments of a horizon that are given up in one step; the others with the next ones: an asset that
was away for a week must not send a record as large as no topic takes."""
HORIZONS = tuple(HORIZON_MS)
_LENGTHS = tuple(HORIZON_MS.values())
_EVERY_MS = (1, 1, HOUR_MS, 4 * HOUR_MS)
"""Of the moments that begin in the same such span the first one is followed to the horizon."""


class Said(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A score or signal.

    who               the engine's number; -1 of a signal, which has action and version
    after_ms          its as_of, counted from the cycle
    """

    who: int
    after_ms: int
    score: float
    confidence: float
    action: str = ""
    version: int = 0


class Moment(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What was said in a cycle. Times but the cycle's count from it: they are shorter.

    after_ms         when the newest of it was said
    price_usd        its price; while `price_after_ms` is -1 that of the cycle itself
    price_after_ms   when its price was seen; -1: it has not come yet
    followed         bit i: to horizon i
    """

    cycle: int
    after_ms: int
    price_usd: float | None
    price_after_ms: int
    followed: int
    said: tuple[Said, ...]


class Waiting(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """All that waits: `unpriced` for a price, `horizons` for the later one, oldest first.

    `cycle` is the newest moment taken; `taken` the newest that is followed, by horizon.
    """

    cycle: int = -1
    taken: tuple[int, ...] = (-1,) * len(HORIZONS)
    unpriced: tuple[Moment, ...] = ()
    horizons: tuple[tuple[Moment, ...], ...] = ((),) * len(HORIZONS)


class Now(NamedTuple):
    """A moment as it comes: its cycle, its newest as_of, and its price where it has one."""

    cycle: int
    as_of: int
    price_usd: float | None
    price_at: int


class Known(NamedTuple):
    """A moment whose return is known, or never will be: then `why` says so and `later` is None."""

    moment: Moment
    horizon: int
    later: Now | None
    why: str


def take(waiting: Waiting, now: Now, said: tuple[Said, ...]) -> tuple[Waiting, list[Known]]:
    """Take the next moment; return what waits after it, and what became known with it.

    A moment that is not newer than the last one changes nothing.
    """
    if now.cycle <= waiting.cycle:
        return waiting, []
    known: list[Known] = []
    taken = waiting.taken
    left, priced = _with_price(waiting.unpriced, now, known)
    if said:
        moment, taken = _moment(taken, now, said)
        left.append(moment)
    horizons = []
    for number, queue in enumerate(waiting.horizons):
        joining = [one for one in priced if one.followed >> number & 1]
        horizons.append((*_look(number, queue, now, known), *joining))
    return Waiting(now.cycle, taken, tuple(left), tuple(horizons)), known


def _moment(
    taken: tuple[int, ...], now: Now, said: tuple[Said, ...]
) -> tuple[Moment, tuple[int, ...]]:
    cycle, followed, newest = now.cycle, 0, []
    for number, every_ms in enumerate(_EVERY_MS):
        is_first = cycle // every_ms > taken[number] // every_ms
        followed |= is_first << number
        newest.append(cycle if is_first else taken[number])
    after_ms = now.as_of - cycle
    return Moment(cycle, after_ms, now.price_usd, -1, followed, said), tuple(newest)


def _with_price(
    unpriced: tuple[Moment, ...], now: Now, known: list[Known]
) -> tuple[list[Moment], list[Moment]]:
    """Return the moments that wait on for their price, and those that have it with this moment."""
    left, priced = [], []
    lost = 0
    for one in unpriced:
        said_at = one.cycle + one.after_ms
        is_over = max(now.as_of, now.price_at) > said_at + PRICE_WAIT_MS
        is_new = now.price_usd is not None and now.price_usd != one.price_usd
        if is_new and said_at < now.price_at <= said_at + PRICE_WAIT_MS:
            price = (now.price_usd, now.price_at - one.cycle)
            priced.append(Moment(one.cycle, one.after_ms, *price, one.followed, one.said))
        elif is_over and lost < MOST_LOST:
            lost += 1
            known += [
                Known(one, number, None, NO_PRICE)
                for number in range(len(HORIZONS))
                if one.followed >> number & 1
            ]
        else:
            left.append(one)
    return left, priced


def _look(
    number: int, queue: tuple[Moment, ...], now: Now, known: list[Known]
) -> tuple[Moment, ...]:
    """Take from a horizon's queue what this moment decides; return what waits on."""
    length_ms, price_at = _LENGTHS[number], now.price_at
    has_price = now.price_usd is not None
    kept: list[Moment] = []
    looked = 0
    for one in queue:
        due = one.cycle + one.price_after_ms + length_ms
        if has_price and due - EARLY_MS <= price_at <= due + LATE_MS:
            known.append(Known(one, number, now, ""))
        elif max(price_at, now.as_of) <= due + LATE_MS:
            break
        elif looked - len(kept) < MOST_LOST:
            known.append(Known(one, number, None, NO_LATER_PRICE))
        else:
            kept.append(one)
        looked += 1
    return (*kept, *queue[looked:]) if looked else queue

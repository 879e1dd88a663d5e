"""Whether an exchange's market is of the coin that the list means: by its price.

Tickers are not unique, and an exchange may trade another coin of that name. Two prices more than
1.5 times apart are of two coins. One such look keeps a market out that was never in; after that
three looks in a row, each at a newer list, are needed to change anything, so that a late list or a
crash does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import msgspec

from schemas.times import HOUR_MS

FACTOR = 1.5
"""How far the prices of one coin may be apart: two lists, two moments."""
LOOKS = 3


class Listed(NamedTuple):
    """A coin list's price: received, and of when it is, ms since 1970."""

    received_ms: int
    priced_ms: int
    usd: float


class Verdict(msgspec.Struct, frozen=True):
    """What is known of an asset's market.

    joined      whether its candles and books are the asset's
    against     looks in a row that said the other thing
    looked_ms   when the list of the last look was received
    listed_usd, traded_usd   the prices of the last look; 0 before one
    """

    market: str
    joined: bool = True
    against: int = 0
    looked_ms: int = 0
    listed_usd: float = 0.0
    traded_usd: float = 0.0


def is_due(before: Verdict | None, market: str, listed: Listed | None) -> bool:
    """Return whether a look may say something new: of a new market, or at a newer list."""
    if before is None or before.market != market:
        return True
    return listed is not None and listed.received_ms > before.looked_ms


def judge(
    before: Verdict | None,
    market: str,
    listed: Listed | None,
    traded_usd: float | None,
    now_ms: int,
) -> Verdict:
    """Return what is known of a market after a look; without both prices nothing new is.

    A coin that the list has no price for is joined.
    """
    known = before if before is not None and before.market == market else None
    if listed is None or traded_usd is None or min(listed.usd, traded_usd) <= 0.0:
        return known or Verdict(market)
    if known is not None and listed.received_ms <= known.looked_ms:
        return known
    agree = is_one_coin(listed, traded_usd, now_ms)
    if known is None or known.looked_ms == 0 or agree == known.joined or known.against + 1 >= LOOKS:
        joined, against = agree, 0
    else:
        joined, against = known.joined, known.against + 1
    return Verdict(market, joined, against, listed.received_ms, listed.usd, traded_usd)


def is_one_coin(listed: Listed, other_usd: float, now_ms: int) -> bool:
    """Return whether two prices may be of one coin; an old one may be farther off."""
    hours = max(now_ms - listed.priced_ms, 0) // HOUR_MS
    apart = max(listed.usd, other_usd) / min(listed.usd, other_usd)
    return apart <= FACTOR * sqrt(1.0 + hours)


def why_not(verdict: Verdict) -> str:
    """Return the sentence on a market that is not joined."""
    return (
        f"{verdict.market} is another coin than the list's: {verdict.traded_usd:.6g} USD there, "
        f"{verdict.listed_usd:.6g} in the list"
    )


def load(path: Path) -> dict[str, Verdict]:
    """Return the verdicts by asset; none where the file is missing or not readable."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Verdict])
    except (OSError, msgspec.DecodeError):
        return {}


def save(path: Path, verdicts: Mapping[str, Verdict]) -> None:
    """Keep the verdicts over a restart."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_name(path.name + ".new")
    written.write_bytes(msgspec.json.encode(verdicts))
    written.replace(path)

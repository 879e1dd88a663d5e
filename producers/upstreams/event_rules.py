"""What kind of event a calendar entry is, how much it can move the price, and how sure it is.

    category   by what the title says, else by what the source filed it under, else "other"
    impact     the category's, a quarter more where the source says that many watch it, at most 1
    certainty  how sure the content is * how exact the date is * 0.7 for a deadline

How sure the content is: (0.6 * 5 + share of "it is true" * votes) / (5 + votes), so 0.6 without
votes and nearly the voters' share with many; 0.4 in place of 0.6 where nothing proves it. An
exchange that says what it will do itself is sure at 0.95.

The engine of event risk reads it so: a hard fork is the worse the less certain it is, catalysts
count as far as they are certain, "other" only takes the calm away, impact 0 is a heartbeat.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from producers.upstreams.times import Due

IMPACTS = {
    "delisting": 0.8,  # the market goes away
    "hard_fork": 0.7,
    "unlock": 0.65,
    "listing": 0.6,
    "upgrade": 0.5,
    "partnership": 0.4,
    "burn": 0.35,
    "airdrop": 0.35,
    "conference": 0.2,
    "other": 0.2,
}
"""Impact by category: the middle of what such events did to prices."""
_HOT = 1.25

PRECISIONS = {
    "minute": 1.0,
    "day": 1.0,
    "month": 0.6,
    "quarter": 0.4,
    "half": 0.3,
    "year": 0.2,
}
"""Factor on the certainty by how exact the date is."""
_DEADLINE = 0.7
_PRIOR_PROVEN, _PRIOR_BARE, _PRIOR_VOTES = 0.6, 0.4, 5.0

_FIRST_BY_TITLE = (
    ("delisting", r"de-?list|(?:cease|suspend|\bend)\w* trading|remov\w+ .{0,40}trading pairs?"),
    ("hard_fork", r"hard[- ]?fork|chain split"),
    ("unlock", r"\bunlock|\bvesting|\bcliff\b"),
    ("airdrop", r"\bair ?-?drop"),
    ("burn", r"\bburn|\bbuy-?back|\bhalving"),  # all three leave fewer coins than there would be
    ("listing", r"\blist(?:s|ed|ing)?\b|\btrading (?:starts|opens|begins)"),
)
_THEN_BY_TITLE = (
    ("upgrade", r"mainnet|testnet|upgrade|\bupdate|release|launch|migration|\bv\d"),
    ("partnership", r"partner|collaborat|integrat|acqui|\bmerger"),
    ("conference", r"conferenc|summit|meet-?up|\bama\b|hackathon|webinar|community call"),
)
# By words in the source's own names of categories, CoinMarketCal's and those of its like.
_BY_SOURCE = (
    ("delisting", r"delist"),
    ("hard_fork", r"fork"),
    ("unlock", r"unlock|vesting"),
    ("airdrop", r"airdrop"),
    ("burn", r"burn|halving|buyback"),
    ("listing", r"exchange|listing"),
    ("upgrade", r"release|update|upgrade|mainnet|testnet|launch|swap|product|roadmap"),
    ("partnership", r"partner|collaborat|integration|merger|acquisition"),
    ("conference", r"conference|meetup|event|\bama\b|hackathon|summit|community"),
)
_CANCELLED = re.compile(r"\b(?:cancel{1,2}ed|called off)\b", re.IGNORECASE)


def category_of(title: str, names: Iterable[str] = ()) -> str:
    """Return the category of an event by its title and the source's own names of categories.

    The title goes first where it is plain, because sources file listings and delistings under
    "Exchange", unlocks and burns under "Tokenomics".
    """
    named = " / ".join(names)
    return (
        _first(_FIRST_BY_TITLE, title)
        or _first(_BY_SOURCE, named)
        or _first(_THEN_BY_TITLE, title)
        or "other"
    )


def _first(rules: Iterable[tuple[str, str]], words: str) -> str | None:
    found = (name for name, pattern in rules if re.search(pattern, words, re.IGNORECASE))
    return next(found, None)


def impact_of(category: str, *, is_hot: bool = False) -> float:
    """Return how much events of a category can move the price, 0 to 1."""
    return min(1.0, IMPACTS[category] * (_HOT if is_hot else 1.0))


def certainty_of(
    due: Due,
    *,
    share_true_pct: float | None = None,
    votes: float | None = None,
    is_proven: bool = True,
    content: float | None = None,
) -> float:
    """Return how sure date and content are, 0 to 1. A share without votes counts as five.

    `content`: how sure that is by itself, where the source decides it.
    """
    if content is None:
        content = _PRIOR_PROVEN if is_proven else _PRIOR_BARE
    if share_true_pct is not None:
        weight = _PRIOR_VOTES if votes is None else votes
        said = content * _PRIOR_VOTES + share_true_pct / 100.0 * weight
        content = said / (_PRIOR_VOTES + weight)
    certainty = content * PRECISIONS[due.precision] * (_DEADLINE if due.deadline else 1.0)
    return round(certainty, 4)


def is_cancelled(title: str) -> bool:
    """Return whether a title means that the event was called off."""
    return _CANCELLED.search(title) is not None

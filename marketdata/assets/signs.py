"""Signs in a headline that a word is meant as a coin: what stands around it.

A ticker that is also a word ("LINK in bio", "LINK gains 8%") needs one beside its capitals. The
price moves, or something is said that only coins have; other coins stand in one row with it; it is
counted, bought or listed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from marketdata.assets.words import BODIES


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MOVES = _words("""
    accelerates bounces climbs consolidates crashes declines dips dives drops dumps explodes
    falls gains inches jumps outperforms plummets plunges pumps rallies rebounds recovers
    retraces retreats rises sheds sinks skyrockets slides slips slumps soars spikes stabilizes
    surges tanks tumbles underperforms
    """)
"""What prices do by themselves."""
_MOVE = _words("""
    accelerate bounce climb crash dip dive drop fall gain inch jump outperform plunge pump rally
    rebound recover rise sink slide slip soar surge tumble
    """)
_LEAD = _words("book extend head lead post top trim")
_STILL = _words("all again also both keep still")
_REACHES = _words("""
    accelerate adds approaches battles bounced breaches breaks carves claims climb climbed
    closes crashed crosses declined defends defies dip dipped dive drop dropped enters erases
    extends eyes faces fall fell flips gain gained hits holds hovers jump jumped keeps leads
    loses lost nears plummeted plunged pumped rallied rally reaches rebounded reclaims recovered
    rise risks rose sank skyrocketed slid slipped soar soared spiked stalls surge surged targets
    tests tops trades trends trims tumble tumbled
    """)
"""What prices do to a level, or did: an amount or a level has to follow."""
_COURSE = _words("down up")
_LEVELS = _words("""
    ath breakout downside gainers gains high higher highs level levels losers losses low lower
    lows rally rebound recovery resistance support top trend trendline upside
    """)
_FOLLOWING = _words("""
    above after again against ahead amid and as at back before below but by despite down
    following from further hard higher in into lower near nearly on over past sharply since than
    to toward towards up when while with
    """)
_OF_COINS = _words("""
    airdrop airdrops altcoin bear bears bull bulls burn burns buyback buybacks coin coins
    depositors etf etfs etp etps hodlers holder holders inflows mainnet memecoin outflows perps
    price reserve staker stakers staking token tokenomics tokens trader traders treasury unlock
    unlocks validator validators whale whales
    """)
"""What only coins have, or are."""
_JOINED = _words("backed based denominated native powered")
_AT = _words("above at below near over past to under")
_KINDS = _words("altcoin altcoins coin coins cryptocurrency memecoin memecoins token tokens")
_TRADED = _words("""
    accumulate accumulated accumulates accumulating add added adds bought buy buying buys delist
    delists dump dumped dumping dumps list lists long longs relist sell selling sells short
    shorting shorts sold stake staked stakes staking swap swapped swaps unstaked
    """)
"""What is done with coins, before them."""
_AMOUNT_BEFORE = re.compile(r"\d[\d.,]*(?:[kmb]|mn|bn)|\d{1,3}(?:,\d{3})+", re.IGNORECASE)
_NUMBERS = _words("million billion thousand m b k")
_CHANGE = re.compile(
    r"[$\u20ac\u00a3]\s?\d|\d[\d.,]*\s?%|\d[\d.,]*\s?(?:percent|per cent)|\b\d+x\b"
)
_DETERMINERS = _words("""
    a all an another any both each eu every her his its just more most my no one only our some
    such that the their these this those u.s uk us what which your
    """)
_OWNED = frozenset(("all", "his", "her", "its", "more", "their"))
_AND = frozenset(("and", "or", "vs", "versus", "plus"))
_SMALL = frozenset(("and", "for", "of", "on", "the"))
_REACH = 60  # letters after a verb in which its amount has to come
_LONG_WORD = 4


@dataclass(frozen=True, slots=True)
class Text:
    """A headline in words, as written and folded."""

    text: str
    words: tuple[re.Match[str], ...]
    folded: tuple[str, ...]

    def before(self, at: int) -> str:
        """Return the character before a word, empty at the beginning."""
        return self.text[: self.words[at].start()][-1:]

    def after(self, at: int) -> str:
        """Return the character behind a word, empty at the end."""
        return self.text[self.words[at].end() :][:1]

    def gap(self, at: int) -> str:
        """Return what stands between a word and the one before it."""
        start = self.words[at - 1].end() if at else 0
        return self.text[start : self.words[at].start()]

    def is_bracketed(self, at: int) -> bool:
        """Return whether a word stands alone in brackets, which follow something."""
        return at > 0 and self.before(at) + self.after(at) in {"()", "[]"}


def is_meant(read: Text, at: int, behind: int, by: Literal["ticker", "name", "amount"]) -> bool:
    """Return whether what stands from word `at` up to `behind` is spoken of as a coin.

    A name, which other words have capitals as well as, needs more than a ticker: its price verb
    has an amount. `amount`: nothing but such a verb will do, for the commonest words.
    """
    if by != "amount" and _is_joined(read, behind):
        return True
    if _follows(read, at) and read.folded[at - 1] in _DETERMINERS:
        owned = at > 1 and read.folded[at - 1] in _OWNED and read.folded[at - 2] in _TRADED
        return owned and by != "amount"
    if _moves(read, behind, needs_amount=by != "ticker"):
        return True
    return by != "amount" and (_has(read, behind) or _is_handled(read, at, behind))


def is_linked(read: Text, behind: int, at: int) -> bool:
    """Return whether words that end before `behind` and those from `at` on stand in one row."""
    if at == behind:
        return _is_comma(read.gap(at))
    if at != behind + 1 or read.folded[behind] not in _AND:
        return False
    return read.gap(at) == " " and read.gap(behind).strip() in {"", ","}


def move(read: Text, at: int) -> bool:
    """Return whether several things' prices are said to move: "LINK and UNI rally"."""
    while at < len(read.words) and read.folded[at] in _STILL and read.gap(at) == " ":
        at += 1
    if at >= len(read.words) or read.gap(at) != " ":
        return False
    if read.folded[at] in _MOVE and _ends_well(read, at + 1):
        return True
    return read.folded[at] in _MOVE | _LEAD and _has_level(read, at)


def is_proper(read: Text, at: int, behind: int) -> bool:
    """Return whether it alone has a capital letter, amid a sentence of small letters."""
    if not _follows(read, at) or read.words[at - 1][0][0].isupper():
        return False
    if behind < len(read.words) and read.gap(behind) in {" ", "-"}:
        following = read.words[behind][0]
        if following[0].isupper() and not following.isupper():
            return False
    others = [
        word[0]
        for place, word in enumerate(read.words)
        if place and not at <= place < behind and len(word[0]) >= _LONG_WORD and word[0].isalpha()
    ]
    return len(others) > 1 and 2 * sum(word.islower() for word in others) > len(others)


def abbreviates(read: Text, at: int) -> bool:
    """Return whether a word in brackets shortens those before it: an office, not a coin.

    Its letters are those of two or more words in their order, the first of each among them.
    """
    word = read.words[at][0].lower()
    first = at
    while first and read.words[first - 1][0][0].isupper() and at - first < 2 * len(word):
        first -= 1
        names = read.folded[first:at]
        main = [name for name in names if name not in _SMALL]
        if len(main) > 1 and (_is_short_for(word, names) or _is_short_for(word, main)):
            return True
        if first and read.folded[first - 1] in _SMALL:
            first -= 1
    return False


def _is_short_for(word: str, names: Sequence[str]) -> bool:
    """Whether each name gives its first letter to a word, and further ones in their order."""
    if not names:
        return not word
    name = names[0]
    if not word.startswith(name[:1]):
        return False
    for taken in range(1, len(word) + 1):
        if not _is_within(word[1:taken], name[1:]):
            return False
        if _is_short_for(word[taken:], names[1:]):
            return True
    return False


def _is_within(letters: str, name: str) -> bool:
    rest = iter(name)
    return all(letter in rest for letter in letters)


def _follows(read: Text, at: int) -> bool:
    """Whether a word follows the one before it without a sign between."""
    return at > 0 and read.gap(at) == " "


def _is_comma(gap: str) -> bool:
    return gap.strip() in {",", "/", "&", "+"}


def _moves(read: Text, at: int, *, needs_amount: bool) -> bool:
    if at >= len(read.words) or read.gap(at) != " ":
        return False
    verb = read.folded[at]
    if verb not in _MOVES and verb not in _REACHES and verb not in _COURSE:
        return False
    if needs_amount or verb in _COURSE:
        return _has_amount(read, at)
    return _has_level(read, at) or (verb in _MOVES and _ends_well(read, at + 1))


def _has_amount(read: Text, at: int) -> bool:
    end = read.words[at].end()
    return _CHANGE.search(read.text[end : end + _REACH]) is not None


def _has_level(read: Text, at: int) -> bool:
    words = read.folded[at + 1 : at + 6]
    return _has_amount(read, at) or any(word in _LEVELS for word in words)


def _ends_well(read: Text, at: int) -> bool:
    """Whether no object follows: a price drops on news, an office drops a case."""
    if at == len(read.words) or read.gap(at) != " ":
        return True
    return read.folded[at] in _FOLLOWING or read.folded[at][0].isdigit()


def _is_joined(read: Text, at: int) -> bool:
    return at < len(read.words) and read.gap(at) == "-" and read.folded[at] in _JOINED


def _has(read: Text, at: int) -> bool:
    """Whether something of coins follows: "LINK price", "LINK's holders", "LINK at $20"."""
    if at >= len(read.words):
        return False
    if read.folded[at] in _AT and read.gap(at) == " ":
        return at + 1 < len(read.words) and read.before(at + 1) == "$"
    if read.folded[at] == "s" and read.gap(at) in {"'", "\u2019"} and at + 1 < len(read.words):
        at += 1
    return read.gap(at) == " " and read.folded[at] in _OF_COINS | BODIES


def _is_handled(read: Text, at: int, behind: int) -> bool:
    """Whether it is bought, counted or called a coin: "buys LINK", "2M LINK", "token LINK"."""
    if not _follows(read, at):
        return False
    last = read.folded[at - 1]
    if last in _KINDS or last in _TRADED:
        return True
    if last in {"of", "in"} and at > 1 and read.folded[at - 2] in {"price", "worth"}:
        return True
    if behind < len(read.words) and read.folded[behind] in {"of", "people"}:
        return False
    number = at - 2 if last in _NUMBERS else at - 1
    counted = number >= 0 and read.before(number) != "$" and read.words[number][0][0].isdigit()
    if last in _NUMBERS:
        return counted
    return counted and _AMOUNT_BEFORE.fullmatch(_number_of(read, number)) is not None


def _number_of(read: Text, at: int) -> str:
    """Return a number with its commas and points, of which the word at a place is the last."""
    begin = at
    while begin and read.gap(begin) in {",", "."} and read.words[begin - 1][0].isdigit():
        begin -= 1
    return read.text[read.words[begin].start() : read.words[at].end()]

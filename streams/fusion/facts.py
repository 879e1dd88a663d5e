"""The values that a rule may name, as one strategy sees them at one moment."""

from __future__ import annotations

from schemas.engines import ENGINES
from schemas.rule_language.names import OF_FUSION
from streams.confidence.position_sizing import Config as Sizing
from streams.confidence.position_sizing import Conviction, multiplier
from streams.fusion.position import age_hours, at_price, profit_pct, trailing_stop_usd
from streams.fusion.state import ENGINE_INDEX, Pinned
from streams.fusion.view import EVENT_RISK, View, data_freshness, freshness

_SENTIMENT, _TECHNICAL = ENGINE_INDEX["sentiment"], ENGINE_INDEX["technical"]
_SCORES = {engine.upper(): index for index, engine in enumerate(ENGINES)}
_CONFIDENCES = {f"{engine.upper()}_CONFIDENCE": index for index, engine in enumerate(ENGINES)}


class Facts(dict[str, float | None]):
    """Looks values up on demand, each once: most rules name two or three of a hundred.

    A name gives its value, None where it is not known now: an engine that does not count, a level
    that the position lacks, all of a position that is not there. Rules ask its `__getitem__`.
    """

    __slots__ = ("_final", "_pinned", "_seen", "_sizing")

    def __init__(self, pinned: Pinned, seen: View, final_score: float, sizing: Sizing) -> None:
        super().__init__()
        self._pinned, self._seen = pinned, seen
        self._final, self._sizing = final_score, sizing

    def __missing__(self, name: str) -> float | None:
        """Return a feature by its own name, or a value of fusion by its name in capitals."""
        value = self[name] = self._found(name)
        return value

    def _found(self, name: str) -> float | None:
        seen = self._seen
        if "@" in name:  # of a timeframe, so of the charts: most names of most rules
            one = seen.held[_TECHNICAL]
            return one.features.get(name) if one is not None and seen.usable[_TECHNICAL] else None
        if name in OF_FUSION:
            return self._of_fusion(name)
        value = None
        for one, usable in zip(seen.held, seen.usable, strict=True):
            if usable and one is not None:
                value = one.features.get(name, value)
        return value

    def _of_fusion(self, name: str) -> float | None:
        seen = self._seen
        if name == "PRICE":
            return seen.price_usd
        if name == "FINAL_SCORE":
            return self._final
        if name in _SCORES:
            index = _SCORES[name]
            if index == EVENT_RISK:
                return seen.risk
            return seen.values[index] if seen.usable[index] else None
        if name in _CONFIDENCES:
            return self._confidence_of(_CONFIDENCES[name])
        if name == "CONFIDENCE":
            return self._confidence()
        if name == "POSITION":
            return 0.0 if self._pinned.holding is None else 1.0
        return self._of_position(name)

    def _of_position(self, name: str) -> float | None:
        holding, price_usd = self._pinned.holding, self._seen.price_usd
        if holding is None:
            return None
        if name == "ENTRY_PRICE":
            return holding.entry_price_usd
        if name == "STOP_LOSS":
            return holding.stop_loss_usd
        if name == "TAKE_PROFIT":
            return holding.take_profit_usd
        if name == "AGE":
            return age_hours(holding, self._seen.now_ms)
        if name == "TRAILING_STOP":
            known = holding if price_usd is None else at_price(holding, price_usd)
            return trailing_stop_usd(known)
        return None if price_usd is None else profit_pct(holding, price_usd)

    def _confidence_of(self, index: int) -> float | None:
        one = self._seen.held[index]
        return one.confidence if one is not None and self._seen.usable[index] else None

    def _confidence(self) -> float:
        """Return the multiplier of the size without its diversification part."""
        seen = self._seen
        conviction = Conviction(
            self._confidence_of(_SENTIMENT) or 0.0,
            abs(seen.values[_TECHNICAL]),
            data_freshness(self._pinned, freshness(seen)),
        )
        return multiplier(self._sizing, conviction, 0.0)

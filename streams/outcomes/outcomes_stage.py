"""Outcomes as a stage: scores and signals in, what the price did after them out, when it is known.

The scores of an asset and the signals of each of its strategies are followed apart from each
other, each with the prices that it carries itself. So the outcomes do not depend on how the records
of the two topics, or of two strategies, come mixed, which is another way in every run.

* **Scores**: a cycle of the asset is over when all engines have answered it or were written off,
  or when a newer one is over first, or when more than three are open. Its price is the one that
  was seen last of those in its scores, and it is known at the newest as_of of its answers. A score
  without confidence, which says nothing, has no outcome.
* **Signals**: those of cycles; each has its own price. Answers and changes have no outcome.

Repeated records, and such that come when their cycle is over, change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import msgspec

from schemas.engines import ENGINES
from schemas.outcomes import Outcome
from schemas.scores import EngineScore
from schemas.signals import Signal
from schemas.times import DAY_MS
from schemas.topics import OUTCOMES, SCORES, SIGNALS
from streams.outcomes.waiting import HORIZONS, Known, Now, Said, Waiting, take
from streams.stage import Output, Position, Tables

MOST_OPEN = 3
MOST_STRATEGIES = 60
"""Strategies of one asset that are followed: some 5 kB each wait in its state, and a record has
room for 1 MB."""
_FORGOTTEN_MS = 9 * DAY_MS
"""A strategy that said nothing of an asset for so long has nothing left that could be told."""
_NUMBER = {engine: number for number, engine in enumerate(ENGINES)}
_ALL = (1 << len(ENGINES)) - 1


class OpenCycle(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A cycle that some engines have answered: bit i of `answered` is engine i.

    price_at, price_usd   the price seen last so far; of two at once that of the later engine
    pricer                which engine's it is; -1: none yet
    """

    cycle: int
    answered: int = 0
    scored: int = 0
    as_of: int = 0
    price_usd: float | None = None
    price_at: int = 0
    pricer: int = -1
    said: tuple[Said, ...] = ()


class OutcomesState(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """All that waits of an asset: of its scores, and of its strategies by id."""

    open: tuple[OpenCycle, ...] = ()
    scores: Waiting = Waiting()
    strategies: dict[str, Waiting] = {}


Step = tuple[OutcomesState, tuple[Output, ...]]


class OutcomesStage:
    """The stage; its state is that of one asset. `settings` is the version of the constants."""

    name = "outcomes"
    inputs = (SCORES.name, SIGNALS.name)
    state_type = OutcomesState

    def __init__(self, settings: str | None = None) -> None:
        self.settings = settings

    def initial(self) -> OutcomesState:
        """Return the state of an asset never seen."""
        return OutcomesState()

    def step(self, state: OutcomesState, event: Any, position: Position, tables: Tables) -> Step:
        """Apply a score or a signal."""
        if type(event) is Signal:
            return self._signal(state, event)
        score: EngineScore = event
        cycle = score.cycle
        if cycle is None or cycle <= state.scores.cycle:
            return state, ()
        before = next((one for one in state.open if one.cycle == cycle), OpenCycle(cycle))
        answered = _answered(before, score)
        if answered is before:
            return state, ()
        waits = [one for one in state.open if one.cycle != cycle]
        waits.append(answered)
        waits.sort(key=lambda one: one.cycle)
        over = sum(one.cycle <= cycle for one in waits) if answered.answered == _ALL else 0
        over = max(over, len(waits) - MOST_OPEN)
        scores, sent = state.scores, []
        for one in waits[:over]:
            now = Now(one.cycle, one.as_of, one.price_usd, one.price_at)
            scores, known = take(scores, now, one.said)
            sent += self._outputs(score.asset, "", known, one.as_of)
        return OutcomesState(tuple(waits[over:]), scores, state.strategies), tuple(sent)

    def _signal(self, state: OutcomesState, signal: Signal) -> Step:
        cycle, name = signal.cycle, signal.strategy_id
        if cycle is None or signal.trigger != "cycle":
            return state, ()
        before = state.strategies.get(name)
        if before is None:
            kept = {
                key: one
                for key, one in state.strategies.items()
                if one.cycle > cycle - _FORGOTTEN_MS
            }
            if len(kept) >= MOST_STRATEGIES:
                return state, ()
            before = Waiting()
        else:
            kept = state.strategies
        said = Said(
            *(-1, signal.as_of - cycle, signal.final_score, signal.confidence),
            *(signal.action, signal.strategy_version),
        )
        price_at = signal.as_of if signal.price_at is None else signal.price_at
        now = Now(cycle, signal.as_of, signal.entry_price_usd, price_at)
        after, known = take(before, now, (said,))
        if after is before:
            return state, ()
        sent = self._outputs(signal.asset, name, known, signal.as_of)
        return OutcomesState(state.open, state.scores, {**kept, name: after}), tuple(sent)

    def _outputs(
        self, asset: str, strategy_id: str, known: Iterable[Known], as_of: int
    ) -> list[Output]:
        return [
            Output(
                OUTCOMES.name, asset, _outcome(asset, strategy_id, one, said, as_of, self.settings)
            )
            for one in known
            for said in one.moment.said
        ]


def _answered(before: OpenCycle, score: EngineScore) -> OpenCycle:
    """Return a cycle with one answer more; the same object where it has that engine's already.

    A score takes the place of a missing answer, not the other way round.
    """
    number = _NUMBER[score.engine]
    bit = 1 << number
    if score.status == "missing":
        if before.answered & bit:
            return before
        return msgspec.structs.replace(
            before, answered=before.answered | bit, as_of=max(before.as_of, score.as_of)
        )
    if before.scored & bit:
        return before
    price_usd, price_at, pricer = before.price_usd, before.price_at, before.pricer
    if score.price_usd is not None and score.freshness > 0.0:
        seen_at = score.as_of if score.price_at is None else score.price_at
        if (seen_at, number) > (price_at, pricer):
            price_usd, price_at, pricer = score.price_usd, seen_at, number
    said = before.said
    if score.confidence > 0.0:
        own = Said(number, score.as_of - before.cycle, score.score, score.confidence)
        said = tuple(sorted((*said, own), key=lambda one: one.who))
    return OpenCycle(
        before.cycle,
        before.answered | bit,
        before.scored | bit,
        max(before.as_of, score.as_of),
        price_usd,
        price_at,
        pricer,
        said,
    )


def outcome_id(kind: str, asset: str, who: str, scored_at: int, horizon: str) -> str:
    """Return 32 hex digits that are a function of what an outcome is about."""
    text = f"{kind}|{asset}|{who}|{scored_at}|{horizon}"
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _outcome(
    asset: str, strategy_id: str, known: Known, said: Said, as_of: int, settings: str | None
) -> Outcome:
    moment, later = known.moment, known.later
    kind = "signal" if strategy_id else "score"
    engine = "" if strategy_id else ENGINES[said.who]
    horizon = HORIZONS[known.horizon]
    scored_at = moment.cycle + said.after_ms
    has_price = moment.price_after_ms >= 0
    price_usd = moment.price_usd if has_price else None
    later_usd = None if later is None else later.price_usd
    change = None
    if price_usd is not None and later_usd is not None:
        change = 100.0 * (later_usd / price_usd - 1.0)
    return Outcome(
        outcome_id=outcome_id(kind, asset, strategy_id or engine, scored_at, horizon),
        kind=kind,
        asset=asset,
        engine=engine,
        strategy_id=strategy_id,
        strategy_version=said.version,
        scored_at=scored_at,
        cycle=moment.cycle,
        horizon=horizon,
        score=said.score,
        confidence=said.confidence,
        action=said.action,
        price_usd=price_usd,
        price_at=moment.cycle + moment.price_after_ms if has_price else None,
        later_price_usd=later_usd,
        later_price_at=None if later is None else later.price_at,
        return_pct=change,
        no_return=known.why,
        as_of=as_of,
        settings=settings,
    )

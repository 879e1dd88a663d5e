"""What moves an asset and no source shows: drift, heat, unspent news, mood and attention.

One step is the same for an hour of history and for a minute of the live market. Everything
random comes from the generator passed in; nothing here knows the time of day.
"""

from __future__ import annotations

import math
import random
from typing import NamedTuple

import msgspec

from marketdata.simulated.assets import Asset

MARKET_HOURLY_VOL = 0.0035
LEAKED_SHARE = 0.25
"""The part of a headline's move that comes before it is published."""

_REGIME_H = 36.0
_DRIFTS = (-0.16, -0.06, 0.0, 0.06, 0.16)  # of the hourly volatility, per hour
_JUMPS_PER_H = 1 / 400
_JUMP_VOLS = 4.0
_IMPULSE_H = 1.5
_MOOD_H = 12.0
_ATTENTION_H = 6.0
_HEAT_RANGE = (0.3, 9.0)


class HiddenState(msgspec.Struct):
    """The hidden state of one asset (or of the market as a whole).

    `heat` is the variance as a multiple of the ordinary one, `impulse` the log return that past
    news will still cause, `mood` is above 0 after good news, `attention` is 0 on a quiet day.
    """

    log_price: float
    drift: float = 0.0
    heat: float = 1.0
    impulse: float = 0.0
    mood: float = 0.0
    attention: float = 0.0


class Step(NamedTuple):
    """What a step did: the log return, its size in standard deviations, and a headline's tone.

    `tone` is +1, 0 or -1, None when there was no headline.
    """

    move: float
    surprise: float
    tone: int | None


def market_moves(market: HiddenState, steps: int, dt_h: float, rng: random.Random) -> list[float]:
    """Advance the common factor and return its log return in each of the steps of `dt_h` hours."""
    moves = []
    for _ in range(steps):
        _change_regime(market, dt_h, rng)
        scale = MARKET_HOURLY_VOL * math.sqrt(dt_h)
        move = market.drift * MARKET_HOURLY_VOL * dt_h
        move += scale * math.sqrt(market.heat) * rng.gauss(0.0, 1.0)
        _warm(market, abs(move) / scale, dt_h)
        market.log_price += move
        moves.append(move)
    return moves


def advance(
    asset: Asset,
    hidden: HiddenState,
    common: float,
    dt_h: float,
    rng: random.Random,
    shock: float = 0.0,
) -> Step:
    """Move an asset by `dt_h` hours: market, drift, unspent news, noise, jump, a headline.

    `shock` is the log return of a scheduled event that takes place in the step. A headline's move
    leaks in part into the step itself; the rest is spent over the next hours.
    """
    vol = asset.hourly_vol
    _change_regime(hidden, dt_h, rng)
    spent = hidden.impulse * min(1.0, dt_h / _IMPULSE_H)
    hidden.impulse -= spent
    scale = vol * math.sqrt(dt_h)
    own = hidden.drift * vol * dt_h + scale * math.sqrt(hidden.heat) * rng.gauss(0.0, 1.0)
    if rng.random() < dt_h * _JUMPS_PER_H:
        own += rng.gauss(0.0, _JUMP_VOLS * vol)
    tone = _headline(asset, hidden, dt_h, rng)
    impact = tone * 2.2 * vol * rng.lognormvariate(0.0, 0.5) if tone else 0.0
    move = asset.beta * common + own + spent + shock + LEAKED_SHARE * impact
    hidden.log_price += move
    hidden.impulse += (1.0 - LEAKED_SHARE) * impact
    ordinary = math.hypot(vol, asset.beta * MARKET_HOURLY_VOL) * math.sqrt(dt_h)
    surprise = min(8.0, abs(move) / ordinary)
    _warm(hidden, surprise, dt_h)
    _feel(hidden, move / vol, surprise, tone, dt_h)
    return Step(move, surprise, tone)


def _change_regime(hidden: HiddenState, dt_h: float, rng: random.Random) -> None:
    if rng.random() < dt_h / _REGIME_H:
        hidden.drift = rng.choice(_DRIFTS)


def _warm(hidden: HiddenState, surprise: float, dt_h: float) -> None:
    """Let heat follow the squared moves and cool down to 1."""
    pull = 0.10 * (1.0 - hidden.heat) + 0.10 * (min(surprise, 5.0) ** 2 - hidden.heat)
    hidden.heat = min(_HEAT_RANGE[1], max(_HEAT_RANGE[0], hidden.heat + dt_h * pull))


def _headline(asset: Asset, hidden: HiddenState, dt_h: float, rng: random.Random) -> int | None:
    rate = asset.news_per_hour * (1.0 + min(2.0, hidden.attention))
    if rng.random() >= 1.0 - math.exp(-rate * dt_h):
        return None
    tilt = 0.08 * math.tanh(hidden.mood)
    draw = rng.random()
    if draw < 0.40 + tilt:
        return 1
    return -1 if draw < 0.74 else 0


def _feel(hidden: HiddenState, vols: float, surprise: float, tone: int | None, dt_h: float) -> None:
    """Let mood follow news and price, attention follow news and large moves; both fade."""
    hidden.mood -= hidden.mood * min(1.0, dt_h / _MOOD_H)
    hidden.mood += 0.04 * vols
    hidden.attention -= hidden.attention * min(1.0, dt_h / _ATTENTION_H)
    hidden.attention += 0.10 * dt_h * max(0.0, surprise - 1.0)
    if tone is not None:
        hidden.mood += 0.35 * tone
        hidden.attention += 0.4

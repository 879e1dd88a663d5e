"""Decimal numbers of an exchange: exact money, and the strings that stand on the wire."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

ZERO = Decimal(0)
_SMALLEST = Decimal("0.00000001")


def exact(value: float) -> Decimal:
    """Return the decimal that the float is written as: 0.1 gives 0.1."""
    return Decimal(repr(value))


def plain(value: Decimal | float) -> str:
    """Return the shortest text without an exponent: 1E+2 is "100", 0.10 is "0.1"."""
    number = value if isinstance(value, Decimal) else exact(value)
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def fixed(value: Decimal | float, places: int = 8) -> str:
    """Return the text with `places` decimals, as Binance writes amounts."""
    return f"{value:.{places}f}"


def places(value: Decimal) -> int:
    """Return how many decimals the number needs: 0 for whole numbers."""
    return max(0, -int(value.normalize().as_tuple().exponent))


def floored(value: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of `step` that is not above `value`."""
    return value // step * step


def cents(value: Decimal) -> Decimal:
    """Return an amount in the smallest unit that is kept, 8 decimals, half up."""
    return value.quantize(_SMALLEST, ROUND_HALF_UP)


def parsed(text: object) -> Decimal | None:
    """Return the number in `text`, None if there is none or it is not finite."""
    try:
        number = Decimal(str(text))
    except ArithmeticError:
        return None
    return number if number.is_finite() else None

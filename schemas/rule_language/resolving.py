"""From the tree of a text to a rule: names are looked up, conditions and numbers told apart."""

from __future__ import annotations

from math import isfinite

from lark import Token

from schemas.checks import CANDLE_MS
from schemas.names import nearest
from schemas.rule_language.errors import RuleError, shown
from schemas.rule_language.grammar import Raw, place
from schemas.rule_language.indicators import INDICATORS, Parameter, Row
from schemas.rule_language.names import ALIASES, CANDLE_VALUES, FUNCTIONS, VALUES
from schemas.rule_language.nodes import (
    And,
    Arithmetic,
    Comparison,
    Condition,
    Crossing,
    Function,
    Indicator,
    Negative,
    Not,
    Number,
    Or,
    Term,
    Value,
    indicators_in,
    number_text,
)

_KNOWN = (*CANDLE_VALUES, *ALIASES, *VALUES, *INDICATORS, *FUNCTIONS)
_NO_CANDLE = "a crossing is asked of closed candles"


def condition(raw: Raw) -> Condition:
    """Return a part that is to be true or false. Raises RuleError."""
    if raw.kind == "joined":
        parts = tuple(condition(one) for one in raw.parts)
        return _joined(And if raw.token.type == "AND" else Or, parts)
    if raw.kind == "prefixed" and raw.token.type == "NOT":
        return Not(condition(_only(raw)))
    if raw.kind == "paired" and raw.token.type == "COMPARE":
        left, right = _both(raw)
        return Comparison({"==": "="}.get(raw.token, str(raw.token)), left, right)
    if raw.kind == "paired" and raw.token.type == "CROSSES":
        return _crossing(raw)
    term(raw)  # what is wrong inside it, an unknown name above all, is said first
    said = shown(raw.token.upper()) if raw.kind in {"name", "number"} else "this"
    what = f"{said} is a number, where something true or false is needed"
    raise _error(raw.token, f"{what}; compare it, as in {said} > 0")


def _joined(kind: type[And] | type[Or], parts: tuple[Condition, ...]) -> Condition:
    """Return a chain of which no link is one of its kind: a AND (b AND c) is one of three."""
    flat: list[Condition] = []
    for one in parts:
        flat += one.of if isinstance(one, kind) else (one,)
    return kind(tuple(flat))


def _both(raw: Raw) -> tuple[Term, Term]:
    left, right = raw.parts
    return term(left), term(right)


def _only(raw: Raw) -> Raw:
    return raw.parts[0]


def _crossing(raw: Raw) -> Crossing:
    left, right = _both(raw)
    sides = raw.parts
    for one in sides:
        _refuse_in_crossing(one)
    if not (indicators_in(left) or indicators_in(right)):
        raise _error(raw.token, f"{_NO_CANDLE}, and there are only numbers here")
    return Crossing(raw.token.upper() == "CROSSES_ABOVE", left, right)


def _refuse_in_crossing(raw: Raw) -> None:
    """Refuse what has no value one candle before."""
    name = raw.token.upper()
    if raw.kind == "name" and name in VALUES:
        what = f"{_NO_CANDLE}, and {name} is not of one; cross indicators, candle values, numbers"
        raise _error(raw.token, what)
    for one in raw.parts:
        _refuse_in_crossing(one)


def term(raw: Raw) -> Term:
    """Return a part that is a number. Raises RuleError."""
    if raw.kind == "number":
        return Number(_number(raw.token))
    if raw.kind == "name":
        return _named(raw)
    if raw.kind == "paired" and raw.token.type not in {"COMPARE", "CROSSES"}:
        left, right = _both(raw)
        return Arithmetic(str(raw.token), left, right)
    if raw.kind == "prefixed" and raw.token.type == "MINUS":
        return Negative(term(_only(raw)))
    what = f"what {raw.token.upper()} makes is true or false, where a number is needed"
    raise _error(raw.token, what)


def _number(token: Token) -> float:
    number = float(token)
    if not isfinite(number):
        raise _error(token, f"{shown(token)} is larger than any number")
    if number == 0.0 and any(digit in "123456789" for digit in token.lower().split("e")[0]):
        raise _error(token, f"{shown(token)} is too small a number; write 0")
    return number


def _named(raw: Raw) -> Term:
    name = raw.token.upper()
    if name in FUNCTIONS:
        return _function(raw, name)
    is_called = raw.is_called
    if name in VALUES:
        _has_no(raw, name, called=True, output=True, timeframe=True)
        return Value(name)
    if (name in CANDLE_VALUES or name in ALIASES) and not (
        name in INDICATORS and (is_called or raw.output is not None)
    ):
        name = ALIASES.get(name, name)
        _has_no(raw, name, called=True, output=True)
        return Indicator(name, timeframe=_timeframe(raw))
    if name in INDICATORS:
        row = INDICATORS[name]
        return Indicator(name, _params(raw, row), _output(raw, row), _timeframe(raw))
    raise _unknown(raw.token, name)


def _unknown(token: Token, name: str) -> RuleError:
    if name in {"NAN", "INF", "INFINITY"}:
        return _error(token, f"{name} is not a number that a rule can have")
    stem = name.rstrip("0123456789")
    like = {"MA": "SMA"}.get(stem, stem)
    if like != name and like in INDICATORS and INDICATORS[like].parameters:
        length = name[len(stem) :][:6]
        what = f"{shown(name)} is not known; write {like}({length or 20})"
        known = nearest(name, CANDLE_VALUES) if length else None
        return RuleError(*place(token), what, nearest=known)
    return RuleError(*place(token), f"{shown(name)} is not known", nearest=nearest(name, _KNOWN))


def _has_no(
    raw: Raw, name: str, *, called: bool = False, output: bool = False, timeframe: bool = False
) -> None:
    if called and raw.is_called:
        raise _error(raw.token, f"{name} has no parameters; write {name} alone")
    if output and raw.output is not None:
        raise _error(raw.output, f"{name} is one number and has no {shown(raw.output)}")
    if timeframe and raw.timeframe is not None:
        raise _error(raw.timeframe, f"{name} has no timeframe; write {name} alone")


def _function(raw: Raw, name: str) -> Function:
    least, most = FUNCTIONS[name]
    _has_no(raw, name, output=True, timeframe=True)
    given = [term(one) for one in raw.parts]
    if not least <= len(given) <= most:
        numbers = "one number" if most == 1 else f"{least} to {most} numbers"
        raise _error(raw.token, f"{name} takes {numbers} in parentheses, not {len(given)}")
    return Function(name, tuple(given))


def _timeframe(raw: Raw) -> str:
    if raw.timeframe is None:
        return ""
    timeframe = raw.timeframe[1:].strip().lower()
    if timeframe not in CANDLE_MS:
        known = ", ".join(CANDLE_MS)
        what = f"@{shown(timeframe)} is not a timeframe; there are {known}"
        raise RuleError(*place(raw.timeframe), what, nearest=nearest(timeframe, CANDLE_MS))
    return timeframe


def _output(raw: Raw, row: Row) -> str:
    outputs = ", ".join(f".{one}" for one in row.outputs)
    if raw.output is None:
        if not row.is_of:
            what = f"{row.name} has several outputs; say which: {outputs}"
            raise _error(raw.token, what)
        return row.is_of
    output = raw.output[1:].strip().upper()
    if output not in row.outputs:
        what = f"{row.name} has no output .{shown(output)}; there are {outputs}"
        raise RuleError(*place(raw.output), what, nearest=nearest(output, row.outputs))
    return output


def _params(raw: Raw, row: Row) -> tuple[float, ...]:
    """Return all parameters of an indicator, those that are left out by their defaults."""
    given: dict[str, float] = {}
    for position, one in enumerate(raw.parts):
        parameter, value = _parameter(one, row, position)
        if parameter.name in given:
            raise _error(one.token, f"{parameter.name} of {row.name} is given twice")
        given[parameter.name] = _checked(value, row, parameter)
    params: list[float] = []
    for parameter in row.parameters:
        default = params[0] if parameter.default is None else parameter.default
        params.append(given.get(parameter.name, default))
    return tuple(params)


def _is_named(raw: Raw) -> bool:
    return raw.kind == "paired" and raw.token in {"="} and raw.parts[0].kind == "name"


def _parameter(one: Raw, row: Row, position: int) -> tuple[Parameter, Raw]:
    names = tuple(known.name for known in row.parameters)
    takes = f"{row.name} takes {', '.join(names) or 'no parameters'}"
    if _is_named(one):
        left, right = one.parts
        name = left.token.lower()
        if name not in names:
            what = f"{row.name} has no parameter {shown(name)}; {takes}"
            raise RuleError(*place(left.token), what, nearest=nearest(name, names))
        return row.parameters[names.index(name)], right
    if position >= len(names):
        raise _error(one.token, f"too many parameters; {takes}")
    return row.parameters[position], one


def _checked(raw: Raw, row: Row, parameter: Parameter) -> float:
    sign, inner = 1.0, raw
    if raw.kind == "prefixed" and raw.token.type == "MINUS":
        sign, inner = -1.0, _only(raw)
    if inner.kind != "number":
        raise _error(raw.token, f"{parameter.name} of {row.name} is to be a number")
    number = sign * _number(inner.token)
    is_right = parameter.least <= number <= parameter.most
    if not is_right or (parameter.is_whole and number != int(number)):
        kind = "a whole number" if parameter.is_whole else "a number"
        least, most = number_text(parameter.least), number_text(parameter.most)
        what = f"{parameter.name} of {row.name} is {kind} from {least} to {most}"
        raise _error(inner.token, f"{what}, not {'-' if sign < 0 else ''}{shown(inner.token)}")
    return number + 0.0


def _error(token: Token, what: str) -> RuleError:
    return RuleError(*place(token), what)

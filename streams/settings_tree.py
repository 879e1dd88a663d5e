"""One tree of the constants of engines, headlines, fusion and confidence; how to set it.

Every field of a `Config` is a setting: `liquidity.size_levels`, `technical.trend.still_share`. Its
range is in its type, what it does and where the value is from in its docstring.

    QUANTIVA_SETTINGS=settings.toml           [liquidity] size_levels = 20
    QUANTIVA__LIQUIDITY__SIZE_LEVELS=20       the same from the environment; it beats the file

The tree is made once a process, and is frozen. Its version, 12 hex digits of all values together,
is in every score and signal.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from hashlib import blake2b
from importlib import import_module
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from schemas.engines import ENGINES
from schemas.names import nearest

FILE, PREFIX = "QUANTIVA_SETTINGS", "QUANTIVA__"
_NO_BOUND = 1e9  # a bound so high is for sums and products, not for people
_STAGES = {
    "headlines": "streams.headlines.stage",
    "fusion": "streams.fusion.fusion_stage",
    "sizing": "streams.confidence.position_sizing",
    "fills": "streams.confidence.fills",
    "ranking": "streams.confidence.ranking",
}


class SettingsError(ValueError):
    """A setting that does not exist, or a value it cannot have; the text says what there is."""


class Setting(NamedTuple):
    """One constant: its dotted name, its value, its range in words."""

    name: str
    value: Any
    range: str


def defaults() -> dict[str, Any]:
    """Return the configs that ship, by section."""
    found = {}
    for engine in ENGINES:
        config = getattr(import_module(f"streams.engines.{engine}"), "ENGINE").config  # noqa: B009
        if is_dataclass(config):
            found[engine] = config
    for section, module in _STAGES.items():
        found[section] = import_module(module).Config()
    return found


def changed(tree: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tree with changes, nested as in TOML; SettingsError names what cannot be."""
    wrong = [name for name in changes if name not in tree]
    if wrong:
        raise SettingsError(_unknown(wrong[0], list(tree)))
    return {
        section: _changed(config, changes[section], section) if section in changes else config
        for section, config in tree.items()
    }


def _changed(config: Any, changes: Any, path: str) -> Any:
    if not isinstance(changes, Mapping):
        msg = f"{path} is {changes!r}; it is a section: set {path}.NAME"
        raise SettingsError(msg)
    known = _values(config)
    new = {}
    for name, value in changes.items():
        at = f"{path}.{name}"
        if name not in known:
            raise SettingsError(_unknown(at, [f"{path}.{one}" for one in known]))
        old = known[name]
        new[name] = (
            _changed(old, value, at) if is_dataclass(old) else _value(config, name, value, at)
        )
    try:
        return replace(config, **new)
    except ValueError as error:
        msg = f"{path}: {error}"
        raise SettingsError(msg) from None


def _value(config: Any, name: str, value: Any, at: str) -> Any:
    old, kind = getattr(config, name), _kinds(type(config))[name]
    if isinstance(old, Mapping) and isinstance(value, Mapping):
        value = {**msgspec.to_builtins(old), **value}
    try:
        found = msgspec.convert(value, kind, strict=not isinstance(value, str))
    except msgspec.ValidationError as error:
        msg = f"{at} = {value!r}: {str(error).lower()}; it is {_range(kind, old)}"
        raise SettingsError(msg) from None
    if not _is_finite(found) or _is_wrong_sign(kind, old, found):
        msg = f"{at} = {value!r} is out of range; it is {_range(kind, old)}"
        raise SettingsError(msg)
    return found


def _unknown(name: str, known: list[str]) -> str:
    near = nearest(name, known)
    hint = f"did you mean {near}" if near else f"there are {', '.join(known)}"
    return f"there is no setting {name}; {hint}"


def _kinds(config: type) -> dict[str, Any]:
    """Return the types of a config's fields; Any where their names cannot be resolved."""
    try:
        return get_type_hints(config, include_extras=True)
    except NameError:
        return {one.name: Any for one in fields(config)}


def _values(config: Any) -> dict[str, Any]:
    """Return what of a config can be set: no parts that are handed over, nothing computed."""
    found = {one.name: getattr(config, one.name) for one in fields(config) if one.init}
    return {name: value for name, value in found.items() if value is not None}


def _is_finite(value: Any) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    if isinstance(value, Mapping):
        return all(map(_is_finite, value.values()))
    return not isinstance(value, tuple | list) or all(map(_is_finite, value))


def _is_wrong_sign(kind: Any, old: Any, value: Any) -> bool:
    """Return whether a number without a range of its own is not of its default's sign."""
    is_free = kind in (int, float) and isinstance(old, int | float)
    return bool(is_free and not isinstance(old, bool) and ((old > 0) != (value > 0)))


def _range(kind: Any, old: Any) -> str:
    """Return in words what a setting may be."""
    if get_origin(kind) is Annotated:
        bounds = [_bounds(one) for one in kind.__metadata__ if isinstance(one, Meta)]
        whole = "whole number " if kind.__origin__ is int else ""
        return f"{whole}{' and '.join(filter(None, bounds))}"
    if kind in (int, float):
        return "above 0" if old > 0 else "0 or more" if old == 0 else "below 0"
    parts = getattr(kind, "__args__", ())
    if get_origin(kind) is tuple and parts and all(get_origin(one) is Annotated for one in parts):
        return f"{len(parts)} numbers, each {_range(parts[0], None)}"
    if isinstance(old, Mapping):
        return "a table"
    return "a list" if isinstance(old, tuple) else type(old).__name__


def _bounds(meta: Meta) -> str:
    low = f"from {meta.ge:g}" if meta.ge is not None else ""
    low = f"above {meta.gt:g}" if meta.gt is not None else low
    high = f"to {meta.le:g}" if meta.le is not None and meta.le < _NO_BOUND else ""
    high = f"below {meta.lt:g}" if meta.lt is not None else high
    return f"{low} {high}".strip()


def settings(tree: Mapping[str, Any]) -> Iterator[Setting]:
    """Yield every setting of a tree, in its order."""
    for section, config in tree.items():
        yield from _settings(config, section)


def _settings(config: Any, path: str) -> Iterator[Setting]:
    kinds = _kinds(type(config))
    for name, value in _values(config).items():
        at = f"{path}.{name}"
        if is_dataclass(value):
            yield from _settings(value, at)
        else:
            yield Setting(at, value, _range(kinds[name], value))


def version(tree: Mapping[str, Any]) -> str:
    """Return 12 hex digits that change with any value of the tree."""
    said = {one.name: msgspec.to_builtins(one.value) for one in settings(tree)}
    return blake2b(msgspec.json.encode(said, order="deterministic"), digest_size=6).hexdigest()


@cache
def given() -> dict[str, Any]:
    """Return what the file and the environment set, nested. Read once; SettingsError."""
    found: dict[str, Any] = {}
    path = os.environ.get(FILE)
    if path:
        try:
            found = tomllib.loads(Path(path).read_text("utf-8"))
        except (OSError, ValueError) as error:
            msg = f"{FILE} names {path}, which cannot be read: {error}"
            raise SettingsError(msg) from None
    for variable, text in sorted(os.environ.items()):
        if not variable.startswith(PREFIX):
            continue
        *sections, name = variable.removeprefix(PREFIX).lower().split("__")
        at = found
        for section in sections:
            at = at.setdefault(section, {})
            if not isinstance(at, dict):
                msg = f"{variable}: {section} is set to {at!r}, it is no section"
                raise SettingsError(msg)
        at[name] = _literal(text)
    return found


def _literal(text: str) -> Any:
    """Return a value as TOML writes it, the text itself where it is none."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


@cache
def current() -> Mapping[str, Any]:
    """Return the tree of this process. SettingsError."""
    return changed(defaults(), given())


@cache
def current_version() -> str:
    """Return the version of the tree of this process. SettingsError."""
    return version(current())

"""`quantiva settings`: every constant, its value, its range and what it does."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from typing import Annotated, Any

import msgspec
import typer

from quantiva.commands.output import console, fail
from schemas.times import DAY_MS, HOUR_MS, MINUTE_MS

_MOST_SHOWN = 12
_INTRO = """# Settings

Every constant of the engines, of fusion, sizing, fills and ranking. This page is written by
`quantiva settings --markdown`; `quantiva settings NAME` prints what a process would take. What
addresses, keys and limits there are is in [Configuration](configuration.md).

A file that `QUANTIVA_SETTINGS` names sets them, in TOML; the environment beats the file:

```toml
[liquidity]
size_levels = 20

[event_risk.categories]
delisting = [-2.5, 0.5, 1.0]
```

```sh
QUANTIVA__LIQUIDITY__SIZE_LEVELS=20
```

They are read once, when a process starts; give all processes of a deployment the same. A name that
does not exist, or a value out of range, ends the command with a sentence. A table is
merged: what is not named keeps its default.

The values together have a version of 12 hex digits, which every score and signal names as
`settings`. So a signal shows with which constants it was made, and `quantiva why` and
`quantiva verify` with others than recorded say so.
"""


def settings(
    name: Annotated[str, typer.Argument(help="A setting, or the beginning of its name.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, by name.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="The reference page, with the defaults.")
    ] = False,
) -> None:
    """Print the constants that this process would take, and their version."""
    from streams import settings_tree

    if markdown:
        typer.echo(reference(), nl=False)
        return
    tree = settings_tree.current()
    shipped = {one.name: one.value for one in settings_tree.settings(settings_tree.defaults())}
    found = [one for one in settings_tree.settings(tree) if one.name.startswith(name)]
    if not found:
        fail(f"there is no setting {name}; `quantiva settings` lists them", 2)
    if as_json:
        values = {one.name: one.value for one in found}
        typer.echo(msgspec.json.encode(values, enc_hook=dict).decode())
        return
    for one in found:
        mark = "" if one.value == shipped[one.name] else f", by default {_shown(shipped[one.name])}"
        console.print(f"{one.name} = {_shown(one.value)}  ({one.range}{mark})", markup=False)
    console.print(f"version {settings_tree.current_version()}", markup=False)


def reference() -> str:
    """Return the reference page in Markdown: what ships, whatever this process was told."""
    from streams import settings_tree

    ranges = {one.name: one for one in settings_tree.settings(settings_tree.defaults())}
    lines = [_INTRO]
    for section, config in settings_tree.defaults().items():
        for path, one in _configs(config, section):
            said, fields = _documented(type(one))
            lines.append(f"## {path}\n\n{said}\n\n| setting | default | range | meaning |")
            lines.append("|---|---|---|---|")
            for field, text in fields.items():
                known = ranges.get(f"{path}.{field}")
                if known is not None:
                    value = _shown(known.value, is_time=field.endswith("_ms"))
                    cells = [one.replace("|", "\\|") for one in (value, known.range, text)]
                    lines.append(f"| `{field}` | {' | '.join(cells)} |")
            lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def _configs(config: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, config
    for field in _documented(type(config))[1]:
        value = getattr(config, field)
        if is_dataclass(value):
            yield from _configs(value, f"{path}.{field}")


def _documented(config: type) -> tuple[str, dict[str, str]]:
    """Return the docstring of a config, and the text below each of its fields, "" for none."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(config))).body
    if not isinstance(tree, ast.ClassDef):
        msg = f"{config} is no class in its source"
        raise TypeError(msg)
    found, last = {}, ""
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            last = node.target.id
            found[last] = ""
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and last:
            found[last] = " ".join(str(node.value.value).split())
        else:
            last = ""
    return " ".join((inspect.getdoc(config) or "").split()), found


def _shown(value: Any, *, is_time: bool = False) -> str:
    if isinstance(value, Mapping):
        if len(value) > _MOST_SHOWN:
            return f"{len(value)} entries"
        return ", ".join(f"{name} {_shown(one)}" for name, one in value.items())
    if isinstance(value, tuple | list):
        if len(value) > 2 * _MOST_SHOWN:
            return f"{len(value)} entries"
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if is_time:
        unit, length = next(
            (one for one in (("d", DAY_MS), ("h", HOUR_MS), ("min", MINUTE_MS)) if value >= one[1]),
            ("s", 1000),
        )
        return f"{value:.12g} ({value / length:g} {unit})"
    return f"{value:.12g}"

"""The benchmark table of README.md, out of `results.json`, between its two markers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- benchmarks -->", "<!-- /benchmarks -->"


def table(measured: dict[str, Any]) -> str:
    """Return the Markdown table of all results, with machine and date."""
    machine = measured["machine"]
    lines = [
        f"Measured {measured['measured_at']} on {machine['cores']} cores ({machine['cpu']}), "
        f"{machine['memory_gib']:g} GiB, Python {machine['python']}, broker, worker and load on "
        "the same machine. `make bench` measures all of it in one run and rewrites this table.",
        "",
        "| benchmark | ours | peers in the same run (ours is ... times theirs) | goal | met |",
        "|---|---|---|---|---|",
    ]
    for one in sorted(measured["results"], key=lambda one: one["name"]):
        peers = ", ".join(_peer(one, name, value) for name, value in one["peers"].items())
        met = {True: "yes", False: "no", None: "not measured" if one["goal"] else "-"}[one["met"]]
        value = one["note"] if one["value"] is None else f"{_number(one['value'])} {one['unit']}"
        row = [f"`{one['name']}`", value, peers or "-", one["goal"] or "-", met]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def _peer(one: dict[str, Any], name: str, value: float | str) -> str:
    ratio = one["ratios"].get(name)
    return f"{name} {_number(value)}" + ("" if ratio is None else f" ({_number(ratio)}x)")


def _number(value: float | str) -> str:
    if isinstance(value, str):  # why there is none
        return value
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def update(results: Path, readme: Path = README) -> None:
    """Rewrite the table in the README; nothing happens without the markers."""
    text = readme.read_text("utf-8")
    if BEGIN not in text or END not in text:
        return
    before, rest = text.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    measured = json.loads(results.read_text("utf-8"))
    readme.write_text(f"{before}{BEGIN}\n{table(measured)}\n{END}{after}", "utf-8")

"""The tree of a signal for people: at most 100 columns, from the decision down to the records."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from schemas.control import Strategy
from schemas.text import age, cut, moment
from streams.provenance import verdict
from streams.provenance.checks import Check
from streams.provenance.describe import describe
from streams.provenance.trade import trade_lines
from streams.provenance.tree import Cited, EngineBranch, Tree

_COLOURS = {"BUY": "bold green", "SELL": "bold red", "HOLD": "bold yellow"}
_MOST_TEXT = 400
_FIGURES = ("TREND", "RSI14")
"""Of the indicators of every timeframe only these are shown; --json has all."""


def screen(tree: Tree, checked: Iterable[Check]) -> Group:
    """Return the tree as text: decision, sum, size, then each engine with its records."""
    return Group(
        _head(tree),
        *_traded(tree),
        *_asked(tree),
        *_section("How the score adds up", _sum(tree), _checks(checked)),
        *_section("Position", _lines(verdict.size(tree.signal))),
        *_ticks(tree),
        *(line for part in tree.parts for line in _engine(tree, part)),
    )


def _traded(tree: Tree) -> list[RenderableType]:
    if tree.trade is None:
        return []
    lines = [*trade_lines(tree.trade.event), f"trade {tree.trade.event.trade_id}"]
    if tree.filled is not None:
        lines.append(f"at the price of the decision {_place(tree.filled)}")
    stands = tree.trade.offset >= 0  # in PostgreSQL it has no place
    return _section("Trade", _lines(lines), at=tree.trade if stands else None)


def _asked(tree: Tree) -> list[RenderableType]:
    """Show what led to the action, in the order in which it was asked."""
    if not tree.signal.trace:
        return []
    grid = Table.grid(padding=(0, 2))
    colours = {"true": "green", "unknown": "yellow"}
    for one in tree.signal.trace:
        truth = Text(one.truth, style=colours.get(one.truth, "dim"))
        rule, part, values = (_clean(text) for text in (one.rule, one.part, one.values))
        grid.add_row(rule.replace("_", " "), part, truth, Text(values, style="dim"))
    return _section("What was asked", grid)


def _head(tree: Tree) -> Text:
    signal, strategy = tree.signal, _strategy(tree)
    name = f" ({strategy.name}, version {strategy.version})" if strategy else ""
    at = moment(signal.as_of, "%Y-%m-%d %H:%M:%S")
    text = Text(signal.action, style=_COLOURS.get(signal.action, "bold"))
    text.append(f" {signal.asset} for {signal.strategy_id}{_clean(name)}", style="bold")
    text.append(f"\n{at} UTC, {verdict.occasion(signal)}", style="not bold default")
    decided = verdict.decision(signal, strategy)
    text.append(f"\n{_clean(decided[:1].upper() + decided[1:])}", style="not bold default")
    where = tree.found.where
    if tree.found.place is not None:
        place = tree.found.place
        where = f"{place.topic}:{place.partition}:{place.offset} of {where}"
    text.append(f"\nsignal {signal.signal_id}, found in {where}", style="not bold dim")
    several = (("decision", tree.decision), ("strategy", tree.strategy), ("request", tree.request))
    for what, cited in several:
        if cited is not None:
            text.append(f"\n{what} {_place(cited)}", style="not bold dim")
            if cited.missing is not None:
                text.append(f"  {_clean(cited.missing)}", style="not bold yellow")
            elif what == "request":
                text.append(f"  {describe(cited.event, signal.as_of).line}", style="not bold dim")
    return text


def _sum(tree: Tree) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", show_footer=True)
    columns = ("engine", "", "score", "weight", "contribution", "confidence", "fresh", "data age")
    for name in columns:
        table.add_column(name, justify="left" if name in ("engine", "") else "right", no_wrap=True)
    table.columns[0].footer = Text("final score", style="bold")
    table.columns[4].footer = Text(f"{tree.signal.final_score:+.3f}", style="bold")
    for part in tree.parts:
        one, score = part.contribution, None if part.score is None else part.score.event
        table.add_row(
            part.engine,
            Text("" if one.status == "ok" else one.status, style="yellow"),
            f"{one.score:+.3f}",
            f"x {one.weight:.3f}",
            f"{one.contribution:+.3f}",
            f"{one.confidence:.2f}",
            "-" if score is None else f"{score.freshness:.2f}",
            age(one.age_ms),
        )
    return table


def _checks(checked: Iterable[Check]) -> Text:
    marks = {True: ("ok", "green"), False: ("WRONG", "bold red"), None: ("?", "yellow")}
    lines = []
    for check in checked:
        mark, style = marks[check.ok]
        lines.append(Text.assemble((f"{mark:<6}", style), _clean(check.said)))
    return Text("\n").join(lines)


def _ticks(tree: Tree) -> list[RenderableType]:
    """Show each tick once, with the engines that answered it."""
    engines: dict[tuple[str, int, int], list[str]] = {}
    ticks: dict[tuple[str, int, int], Cited] = {}
    for part in tree.parts:
        if part.tick is not None:
            place = (part.tick.topic, part.tick.partition, part.tick.offset)
            ticks[place] = part.tick
            engines.setdefault(place, []).append(part.engine)
    if not ticks:
        return []
    names = [", ".join(several) for several in engines.values()]
    whose = names if len(ticks) > 1 else ["all engines" if len(tree.parts) > 1 else names[0]]
    return _section("Tick", _records(tree, ticks.values(), whose))


def _engine(tree: Tree, part: EngineBranch) -> list[RenderableType]:
    if part.score is None:
        return _section(part.engine, _lines(["it had not said anything of the asset"], "yellow"))
    below: list[RenderableType] = []
    if part.score.event is not None:
        detail = [f"{name}: {text}" for name, text in part.score.event.detail.items()]
        figures = _figures(part.score.event.features)
        below += [_lines([figures])] if figures else []
        below += [_lines(detail, "yellow")] if detail else []
        if part.evidence:
            below.append(_records(tree, reversed(part.evidence)))
        else:
            below.append(_lines(["no record of the market is behind it"], "dim"))
        if tree.known_risk is not None and part.engine == "event_risk":
            below.append(_lines(["the last risk that it said, which stands:"], "yellow"))
            below.append(_records(tree, [tree.known_risk]))
    elif part.score.missing is not None:
        below.append(_lines([part.score.missing], "yellow"))
    status = "" if part.contribution.status == "ok" else f", {part.contribution.status}"
    return _section(f"{part.engine} {part.contribution.score:+.3f}{status}", *below, at=part.score)


def _figures(features: dict[str, float]) -> str:
    """Return the engine's figures; of the indicators by timeframe only the telling ones."""
    shown = {
        name: value
        for name, value in features.items()
        if "@" not in name or name.partition("@")[0] in _FIGURES
    }
    return "  ".join(f"{name} {_number(value)}" for name, value in sorted(shown.items()))


def _records(tree: Tree, cited: Iterable[Cited], notes: Iterable[str] = ()) -> Table:
    """Return a row a record: age, words, place."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(justify="right", width=6, no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    grid.add_column(justify="right", no_wrap=True, style="dim")
    grid.expand = True
    remarks = list(notes)
    for number, one in enumerate(cited):
        if one.event is None:
            said = Text(_clean(one.missing or "not there"), style="yellow")
        else:
            told = describe(one.event, tree.signal.as_of)
            said = Text(told.line)
            for line in told.more:
                said.append(f"\n{line}", style="dim")
        if number < len(remarks):
            said.append(f"\nfor {remarks[number]}", style="dim")
        grid.add_row(age(one.age_ms), said, "\n".join([_place(one), *_origin(tree, one)]))
    return grid


def _section(title: str, *below: RenderableType, at: Cited | None = None) -> list[RenderableType]:
    head = Text(f"\n{title}", style="bold")
    if at is not None:
        said = "" if at.age_ms is None else f", said {_before(at.age_ms)}"
        head.append(f"  {_place(at)}{said}", style="not bold dim")
    return [head, *(Padding(one, (0, 0, 0, 2), expand=False) for one in below)]


def _before(age_ms: int) -> str:
    return "at the decision" if age_ms < 1000 else f"{age(age_ms)} before the decision"


def _lines(lines: Iterable[str], style: str = "") -> Text:
    return Text("\n".join(map(_clean, lines)), style=style)


def _strategy(tree: Tree) -> Strategy | None:
    event = None if tree.strategy is None else tree.strategy.event
    return event if isinstance(event, Strategy) else None


def _place(cited: Cited) -> str:
    return f"{cited.topic}:{cited.partition}:{cited.offset}"


def _origin(tree: Tree, cited: Cited) -> list[str]:
    """Return a note where a record is of the archive, and others are of Kafka still."""
    mixed = any(one.origin == "kafka" for one in tree.cited())
    return ["from the archive"] if mixed and cited.origin == "archive" else []


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _clean(text: str) -> str:
    """Return text that a terminal can print: what strategies are called is up to users."""
    return cut(text, _MOST_TEXT)

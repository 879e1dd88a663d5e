"""The sinks of `quantiva sink NAME`. A new one is an entry here, beside its module in `sinks`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.topics import (
    EQUITY,
    NEWS,
    NEWS_SCORES,
    OUTCOMES,
    SIGNALS,
    STRATEGIES,
    TOP,
    TRADES,
    TRENDING,
)

if TYPE_CHECKING:
    from schemas.codec import Codec
    from schemas.registry_client import Registry
    from sinks.base import Sink
    from sinks.explanations.settings import ExplanationSettings
    from sinks.explanations.sink import ExplanationsSink
    from sinks.runner import OnFlush, SinkRunner
    from transport.settings import Settings


@dataclass(frozen=True, slots=True)
class SinkEntry:
    """A sink: its command, and how it is made from the settings of a deployment.

    `name` is the sink's and the command's, `topics` are the sink's, `help` is the command's.
    `make` returns the sink; ValueError when a setting is missing. `doing` returns what is printed
    when it starts; ValueError when a setting is wrong. `counts` are the sink's counters that are
    printed at the end, the rows written by table where None. `quantiva status` misses a sink that
    `is_watched` and does not run.
    """

    name: str
    topics: tuple[str, ...]
    help: str
    make: Callable[[Settings, Codec], Sink]
    doing: Callable[[], str] | None = None
    counts: str | None = None
    stop_within_s: float = 10.0
    is_watched: bool = False

    @property
    def stage(self) -> str:
        """Name of the sink as a stage: in consumer groups, dead letters and the status."""
        return f"sink.{self.name}"

    @property
    def ready_line(self) -> str:
        """Begin of the line that is printed at the start, unless `doing` replaces it."""
        return f"READY {self.name}"


def sink_runner(
    entry: SinkEntry,
    settings: Settings,
    codec: Codec,
    registry: Registry,
    on_flush: OnFlush | None = None,
) -> SinkRunner:
    """Return the runner of a sink; ValueError when a setting or an address is missing."""
    from sinks.config import RunnerConfig
    from sinks.runner import SinkRunner

    config = RunnerConfig(stop_within_s=entry.stop_within_s)
    sink = entry.make(settings, codec)
    return SinkRunner(sink, codec, settings, config, resolve=registry.resolve, on_flush=on_flush)


def _dsn(settings: Settings) -> str:
    if settings.database_url is None:
        msg = "no database: set DATABASE_URL, or start one with `quantiva demo`"
        raise ValueError(msg)
    return settings.database_url.get_secret_value()


def _postgres(settings: Settings, _codec: Codec) -> Sink:
    from sinks.postgres.sink import PostgresSink

    return PostgresSink(_dsn(settings))


def explanations_sink(
    settings: Settings, codec: Codec, chosen: ExplanationSettings | None = None
) -> ExplanationsSink:
    """Return the sink of explanations; without `chosen` its settings are the environment's."""
    from sinks.explanations.settings import ExplanationSettings
    from sinks.explanations.sink import ExplanationsSink
    from sinks.explanations.topic import ExplanationTopic

    topic = ExplanationTopic(settings, codec)
    return ExplanationsSink(_dsn(settings), chosen or ExplanationSettings(), topic)


def _who_explains() -> str:
    from sinks.explanations.settings import ExplanationSettings

    chosen = ExplanationSettings()
    if not chosen.enabled:
        who = "explanations by a model are switched off, the template writes"
    elif not chosen.has_model:
        who = "no OPENAI_API_KEY: the template writes the explanations"
    else:
        limit = f"at most {chosen.budget_usd_per_day:f} USD a day"
        who = f"{chosen.model} writes the explanations, {limit}"
    return f"{EXPLANATIONS.ready_line}: {who}; Ctrl-C stops"


POSTGRES = SinkEntry(
    "postgres",
    (
        *(STRATEGIES.name, TRENDING.name, NEWS.name, NEWS_SCORES.name, SIGNALS.name, TOP.name),
        *(TRADES.name, EQUITY.name, OUTCOMES.name),
    ),
    "Write to PostgreSQL until Ctrl-C; migrates the schema first.",
    _postgres,
    doing=lambda: "writing to PostgreSQL; Ctrl-C stops",
    is_watched=True,
)
EXPLANATIONS = SinkEntry(
    "explanations",
    (TOP.name,),
    """Explain the top signals of each cycle until Ctrl-C.

    Asks the model of OPENAI_API_KEY and OPENAI_BASE_URL within a budget a day; without them, and
    where the model fails, a template writes. Needs PostgreSQL and `quantiva sink postgres`.
    """,
    explanations_sink,
    doing=_who_explains,
    counts="tally",
    stop_within_s=15.0,
)
SINKS: tuple[SinkEntry, ...] = (POSTGRES, EXPLANATIONS)

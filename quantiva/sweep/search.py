"""Which choices a sweep tries: all, at random, or guided by what the earlier ones came to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from quantiva.sweep.trials import SweepFolderError
from streams.backtest.sweep import Axis

ROUND = 10
"""Choices that a guided search asks for before it is told of their results: the same for any
number of processes, so that the same seed tries the same choices."""

Evaluate = Callable[[list[dict[str, str]]], list[float | None]]
"""Returns the metric of choices; None for one that makes no strategy or has no metric."""


def guided(axes: Sequence[Axis], trials: int, seed: int, evaluate: Evaluate) -> None:
    """Try so many choices, each round where the tree-structured Parzen estimator expects most.

    Raises SweepFolderError where optuna is not installed.
    """
    try:
        import optuna
    except ImportError:
        msg = "--guided needs optuna: pip install 'quantiva-streams[backtest]', or use --random"
        raise SweepFolderError(msg) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=2 * ROUND)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for begun in range(0, trials, ROUND):
        asked = [study.ask() for _ in range(min(ROUND, trials - begun))]
        # By place, so that it knows that the values of an axis have an order.
        choices = [
            {
                axis.name: axis.values[one.suggest_int(axis.name, 0, len(axis.values) - 1)]
                for axis in axes
            }
            for one in asked
        ]
        for one, value in zip(asked, evaluate(choices), strict=True):
            if value is None:
                study.tell(one, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(one, value)

"""The example notebook runs to its end, and shows what it says."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import ROOT

PAGE = ROOT / "examples" / "backtest.ipynb"


@pytest.fixture(scope="module")
def stripped() -> Any:
    return nbformat.read(PAGE, as_version=4)


@pytest.fixture(scope="module")
def executed(stripped: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook with its outputs, run by this environment's Python."""
    folder = tmp_path_factory.mktemp("notebook")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("TMPDIR", str(folder))
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(folder / "runtime"))
        notebook = nbformat.from_dict(stripped)
        NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    return notebook


def test_it_is_kept_without_outputs(stripped: Any) -> None:
    code = [cell for cell in stripped.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


@pytest.mark.slow
def test_it_runs_and_shows_signals_scores_trades_and_equity(executed: Any) -> None:
    shown = [str(cell.get("outputs", "")) for cell in executed.cells]
    assert "SOLUSDT-1d.parquet" in "".join(shown)
    assert "replayed" in "".join(shown)
    assert any("contributions.technical.score" in one for one in shown)
    assert any("hit rate" in one for one in shown)
    assert any("fill_price_usd" in one for one in shown)
    assert any("application/vnd.plotly" in one for one in shown)

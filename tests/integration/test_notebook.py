"""The notebook runs from top to bottom in a plain kernel, and shows what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from helpers.waiting import PATIENCE
from nbclient import NotebookClient


def _last_output(cell: Any) -> str:
    texts = [output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    return texts[-1] if texts else ""


@pytest.mark.notebook
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_walk_through_both_ends(root: Path) -> None:
    path = root / "notebooks" / "connection_request_server.ipynb"
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=int(PATIENCE), kernel_name="python3").execute()
    shown = [_last_output(cell) for cell in notebook.cells if cell.cell_type == "code"]
    expected = [
        "(200, 'OK')",
        "(200, b'', ['DEVICE001'])",
        "[404, 503]",
        "Credentials('admin', ...)",
        "(200, 401)",
        "['0 BOOTSTRAP', '1 BOOT', '6 CONNECTION REQUEST']",
        "'DeviceNotFound: NONEXISTENT'",
        "{'0 BOOTSTRAP': 5, '1 BOOT': 5, '6 CONNECTION REQUEST': 1}",
        "'done'",
    ]
    assert [text for text in expected if text not in shown] == []
    committed = [_last_output(cell) for cell in nbformat.read(path, 4).cells if "outputs" in cell]
    assert [bool(text) for text in committed] == [bool(text) for text in shown]

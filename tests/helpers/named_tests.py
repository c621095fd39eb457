"""Tests that a page of the documentation names."""

from __future__ import annotations

import ast
from pathlib import Path


def is_there(root: Path, named: str) -> bool:
    """Whether a test that is named ``tests/test_file.py::test_name`` exists."""
    file, _, test = named.partition("::")
    tree = ast.parse((root / file).read_text())
    return any(isinstance(node, ast.FunctionDef) and node.name == test for node in ast.walk(tree))

"""The corpora: inputs that are worth a look again, one folder for each harness."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from fuzz.harnesses import HARNESSES

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / "tests" / "corpus"
"""The small ones of the repository. Their files have no endings, and any names."""


def inputs(name: str, folder: Path = CORPUS) -> Iterator[tuple[str, bytes]]:
    """The inputs of a harness, by the names of their files."""
    for path in sorted((folder / name).iterdir()):
        yield path.name, path.read_bytes()


def outcomes() -> dict[str, str]:
    """A digest of the outcome of every input in the repository."""
    return {
        f"{name}/{file}": hashlib.sha256(harness.run(data).encode("utf-8", "replace")).hexdigest()
        for name, harness in HARNESSES.items()
        for file, data in inputs(name)
    }

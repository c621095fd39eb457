"""The corpora: inputs that are worth a look again, one folder for each harness."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from fuzz.harnesses import HARNESSES

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / "tests" / "corpus"
"""The small ones of the repository. Their files have no endings, and any names."""


def inputs(name: str) -> Iterator[tuple[str, bytes]]:
    """The inputs of a harness, by the names of their files."""
    for path in sorted((CORPUS / name).iterdir()):
        yield path.name, path.read_bytes()


def replayed(name: str) -> dict[str, str]:
    """The outcomes of a harness, by the names of the files; raises of which file a bug is."""
    found = {}
    for file, data in inputs(name):
        try:
            found[file] = HARNESSES[name].run(data)
        except Exception as error:
            raise AssertionError(f"{CORPUS / name / file}: this input shows a bug") from error
    return found


def outcomes() -> dict[str, str]:
    """A digest of the outcome of every input in the repository."""
    return {
        f"{name}/{file}": hashlib.sha256(outcome.encode("utf-8", "replace")).hexdigest()
        for name in HARNESSES
        for file, outcome in replayed(name).items()
    }

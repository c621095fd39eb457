"""``python -m fuzz.coverage_of HARNESS FOLDER ...``: the branch coverage that inputs reach."""

from __future__ import annotations

import sys
from io import StringIO
from pathlib import Path

import coverage


def main(name: str, folders: list[str]) -> None:
    """Print the percentage of lines and branches of the parser's modules."""
    measured = coverage.Coverage(branch=True, data_file=None, source=["caretaker"])
    measured.start()
    from fuzz.harnesses import HARNESSES  # noqa: PLC0415  # what is imported before is not measured

    harness = HARNESSES[name]
    for folder in folders:
        for path in sorted(Path(folder).iterdir()):
            harness.run(path.read_bytes())
    measured.stop()
    files = [str(module.__file__) for module in harness.modules]
    print(f"{measured.report(include=files, file=StringIO()):.0f}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

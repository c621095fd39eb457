"""``python -m fuzz.coverage_of HARNESS FOLDER ...``: the branch coverage that inputs reach."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import coverage


def main(name: str, folders: list[str]) -> None:
    """Print the percentage of the branches of the parser's modules."""
    measured = coverage.Coverage(branch=True, data_file=None, source=["caretaker"])
    measured.start()
    from fuzz.harnesses import HARNESSES  # noqa: PLC0415  # what is imported before is not measured

    harness = HARNESSES[name]
    for folder in folders:
        for path in sorted(Path(folder).iterdir()):
            harness.run(path.read_bytes())
    measured.stop()
    files = [str(module.__file__) for module in harness.modules]
    with tempfile.NamedTemporaryFile() as report:
        measured.json_report(include=files, outfile=report.name)
        totals = json.load(report)["totals"]
    print(f"{100 * totals['covered_branches'] / max(1, totals['num_branches']):.0f}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

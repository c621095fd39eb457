"""Known vulnerabilities of the installed packages, for ``scripts/audit``."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import NamedTuple

COMMAND = (
    "-m", "pip_audit", "--skip-editable", "--progress-spinner", "off", "--timeout", "5",
    "--format", "json",
)  # fmt: skip
MOST_SECONDS = 120
"""Beyond it the data counts as out of reach."""


class Audit(NamedTuple):
    """What an audit has to say, line by line, and its exit code."""

    lines: list[str]
    code: int


def audit(output: str, error: str) -> Audit:
    """
    Judge what pip-audit has printed.

    Args:
        output: JSON, or nothing where it could not reach its data.
        error: what went wrong, its reason in the last line.
    """
    try:
        packages = json.loads(output)["dependencies"]
    except (ValueError, LookupError, TypeError):
        return _unreached((error.strip().splitlines() or ["it says nothing"])[-1][:200])
    looked_up = [package for package in packages if "vulns" in package]
    if not looked_up:
        return _unreached("it knows none of these packages")
    lines = [
        f"{package['name']} {package['version']}: {found['id']}; {_cure(found['fix_versions'])}"
        for package in looked_up
        for found in package["vulns"]
    ]
    skipped = len(packages) - len(looked_up)
    summary = f"{len(looked_up)} packages, {len(lines)} known vulnerabilities"
    return Audit([*lines, f"{summary}, {skipped} packages it does not know"], 1 if lines else 0)


def _unreached(why: str) -> Audit:
    return Audit([f"not done, pip-audit can't reach its data: {why}"], 0)


def _cure(versions: list[str]) -> str:
    return f"mended in {', '.join(versions)}" if versions else "not mended yet"


def main() -> int:
    """Audit this environment, and print what is found."""
    try:
        done = subprocess.run(
            [sys.executable, *COMMAND],
            capture_output=True, text=True, timeout=MOST_SECONDS, check=False,
        )  # fmt: skip
        found = audit(done.stdout, done.stderr)
    except subprocess.TimeoutExpired:
        found = _unreached(f"no answer in {MOST_SECONDS} s")
    for line in found.lines:
        print(f"audit: {line}", file=sys.stderr)
    return found.code


if __name__ == "__main__":
    sys.exit(main())

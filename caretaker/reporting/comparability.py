"""
Whether two runs can be compared: a table of what must be alike, and of what is only told.

What was *asked* of the ACS must be alike, and the figures must mean the same: a difference refuses
the comparison. How a run *went* is a warning, since it is a result, too (``docs/comparing.md``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from caretaker.reporting.generator_limits import GeneratorFigures, generator_limits
from caretaker.reporting.outcomes import RunOutcome
from caretaker.reporting.run_flags import LOAD, TOLERANCE
from caretaker.reporting.summary_types import Summary

LENGTH_TOLERANCE = 0.1
"""The relative difference of how long two runs took up to which nothing is said."""


class Difference(NamedTuple):
    """
    A difference of two runs that concerns whether they can be compared.

    Args:
        what: that differs, in few words.
        a, b: how it is in the two runs.
        refuses: whether the runs can't be compared for it.
    """

    what: str
    a: str
    b: str
    refuses: bool

    def __str__(self) -> str:
        return f"{self.what}: {self.a} in A, {self.b} in B"


class Rule(NamedTuple):
    """
    Something that two runs should have in common.

    Args:
        what: in few words.
        of: what it is in a run; None where the run does not say it.
        tolerance: the relative difference of numbers that counts as none.
        refuses: whether a difference refuses the comparison.
    """

    what: str
    of: Callable[[Summary], Any]
    tolerance: float
    refuses: bool

    def difference(self, a: Summary, b: Summary) -> Difference | None:
        """The difference of two runs; None if there is none, or a run does not say."""
        of_a, of_b = self.of(a), self.of(b)
        if of_a is None or of_b is None or _alike(of_a, of_b, self.tolerance):
            return None
        return Difference(self.what, str(of_a), str(of_b), self.refuses)


def _alike(a: Any, b: Any, tolerance: float) -> bool:
    if not all(isinstance(value, int | float) for value in (a, b)):
        return bool(a == b)
    return bool(a == b or abs(a - b) <= tolerance * max(abs(a), abs(b)))


def minor_version(version: str) -> str:
    """As ``0.1`` of ``0.1.3, compiled``; within it, figures mean the same."""
    return ".".join(version.partition(",")[0].split(".")[:2])


def _version(summary: Summary) -> str | None:
    version = summary.get("version")
    return None if version is None else minor_version(version)


def _code(summary: Summary) -> str | None:
    version = summary.get("version")
    return None if version is None else "compiled" if "compiled" in version else "not compiled"


def _acs(summary: Summary) -> str | None:
    """Embedded, or by what it is spoken to; another ACS of the same kind is a fair comparison."""
    if summary.get("embedded_acs"):
        return "embedded"
    host = summary.get("settings", {}).get("--host")
    return host.partition(":")[0].lower() if isinstance(host, str) else None


def _cpes(summary: Summary) -> int | None:
    """The size that was asked for; a worker that came late or was lost changes nothing of it."""
    settings = summary.get("settings", {})
    users, per_user = settings.get("--users"), settings.get("--cpes-per-user")
    return users * per_user if isinstance(users, int) and isinstance(per_user, int) else None


def _flag(flag: str) -> Callable[[Summary], Any]:
    """The value of a flag, ``none`` where it was not given; None where settings are unknown."""

    def of(summary: Summary) -> Any:
        if "settings" not in summary:
            return None
        value = summary["settings"].get(flag)
        if isinstance(value, list | tuple):
            value = ", ".join(map(str, value))
        return "none" if value in (None, "") else value

    return of


def _scenario(summary: Summary) -> str:
    """Its name and arguments, as the setting says or, where that is unknown, the section."""
    setting = summary.get("settings", {}).get("--scenario")
    section = summary["scenario"]["name"] if "scenario" in summary else ""
    return str(setting or section or "none")


def _profiles(summary: Summary) -> str | None:
    return ", ".join(sorted(summary["fleet"]["profiles"])) or None


RULES: tuple[Rule, ...] = (
    Rule("minor version", _version, 0, refuses=True),
    Rule("kind of ACS", _acs, 0, refuses=True),
    Rule("number of CPEs", _cpes, TOLERANCE, refuses=True),
    Rule("profiles", _profiles, 0, refuses=True),
    *(
        Rule(what, _scenario if flag == "--scenario" else _flag(flag), TOLERANCE, refuses=True)
        for flag, what in LOAD.items()
    ),
    Rule("CPEs at the end", lambda summary: summary["fleet"]["cpes"], TOLERANCE, refuses=False),
    Rule("length of the run in seconds", lambda summary: summary["seconds"], LENGTH_TOLERANCE,
         refuses=False),
    Rule("code", _code, 0, refuses=False),
)  # fmt: skip
"""What two runs should have in common."""


def differences(a: Summary, b: Summary) -> list[Difference]:
    """What the runs should have in common and have not; first what refuses the comparison."""
    found = [difference for rule in RULES if (difference := rule.difference(a, b)) is not None]
    return sorted(found, key=lambda difference: not difference.refuses)


def doubts(summary: Summary) -> list[str]:
    """Why the figures of a run may be no figures of the ACS's, each in few words."""
    return list(_doubts(summary))


def is_limited(summary: Summary) -> bool:
    """Whether the generator was the limit of a run."""
    return bool(generator_limits(GeneratorFigures.of_run(summary)))


def _doubts(summary: Summary) -> Iterator[str]:
    outcome = summary["verdict"]["outcome"] if "verdict" in summary else RunOutcome.HELD
    interrupted, limited = summary.get("interrupted"), is_limited(summary)
    if outcome == RunOutcome.FAILED:
        yield "the run failed"
    if interrupted:
        yield "interrupted"
    if limited:
        yield "the generator was the limit"
    if outcome == RunOutcome.NOT_SHOWN and not (interrupted or limited):
        yield "not shown"

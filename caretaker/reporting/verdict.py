"""
The verdict on a run: its checks, service levels and criteria, and what follows from them.

``judge`` is a pure function of the summary (decision 0026).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from caretaker.errors import Blame
from caretaker.reporting.checks import (
    CHECKS,
    FAILED_BY_THE_ACS,
    OTHER_FAILURES,
    Check,
    session_failures,
)
from caretaker.reporting.number_text import exact
from caretaker.reporting.outcomes import EXIT_CODES, RunOutcome, worst
from caretaker.reporting.service_levels import ended_early, margin_used
from caretaker.reporting.summary_types import (
    CriterionSection,
    Ground,
    LevelVerdict,
    SessionsSection,
    Summary,
    VerdictSection,
)
from caretaker.stats.timeline import Mark


class Judgement(NamedTuple):
    """
    One thing that a run is judged by.

    Args:
        group: ``checks``, ``service_levels`` or ``scenario``.
        name: of the check, the level, or the scenario.
        outcome: what the run has shown in it.
        text: what a person reads about it; empty when there is nothing to say.
    """

    group: str
    name: str
    outcome: RunOutcome
    text: str = ""


def judgements(summary: Summary) -> list[Judgement]:
    """All that a run is judged by: what was asked of it first, then the standard checks."""
    return [*_criteria(summary), *_levels(summary), *_checks(summary)]


def _sections_of_criteria(summary: Summary) -> Sequence[CriterionSection]:
    return summary["scenario"].get("criteria", ()) if "scenario" in summary else ()


def _criteria(summary: Summary) -> Iterator[Judgement]:
    for criterion in _sections_of_criteria(summary):
        outcome = RunOutcome(criterion["outcome"])
        text = "" if outcome == RunOutcome.HELD else _without_outcome(criterion)
        yield Judgement("scenario", criterion["scenario"], outcome, text)


def _without_outcome(criterion: CriterionSection) -> str:
    """The finding of a criterion, for where the outcome stands beside it."""
    return criterion["finding"].removeprefix("Not shown: ")


def _levels(summary: Summary) -> Iterator[Judgement]:
    for verdict in summary.get("service_levels", ()):
        outcome = RunOutcome(verdict["outcome"])
        text = f"service level {outcome}: {described(verdict)}{_why_not_shown(verdict, summary)}"
        is_held = outcome == RunOutcome.HELD
        yield Judgement("service_levels", verdict["level"], outcome, "" if is_held else text)


def _why_not_shown(verdict: LevelVerdict, summary: Summary) -> str:
    """Why a level shows nothing although it has data; empty for any other."""
    if verdict["outcome"] != RunOutcome.NOT_SHOWN or verdict["actual"] is None:
        return ""
    return "; the run ended early" if ended_early(summary) else "; the generator was the limit"


def described(verdict: LevelVerdict) -> str:
    """A level, what was measured, and since when it was broken, in one line."""
    actual = "no data" if verdict["actual"] is None else exact(verdict["actual"])
    when = f", since {verdict['broken_at']:g} s" if "broken_at" in verdict else ""
    return f"{verdict['level']} ({actual}{when})"


def _checks(summary: Summary) -> Iterator[Judgement]:
    for check in CHECKS:
        if not _is_replaced(check, summary):
            text = check.found(summary)
            outcome = _outcome(check, summary) if text else RunOutcome.HELD
            yield Judgement("checks", check.name, outcome, text)


def _is_replaced(check: Check, summary: Summary) -> bool:
    """Whether a service level or a search judges in the place of a check."""
    if check.replaced_by_search and any(
        one.get("is_search") for one in _sections_of_criteria(summary)
    ):
        return True
    return any(
        verdict["level"].startswith(f"{metric} <")
        for metric in check.replaced_by
        for verdict in summary.get("service_levels", ())
    )


def _outcome(check: Check, summary: Summary) -> RunOutcome:
    """That of the check; failures of others are only told with ``--exit-code-on-error 0``."""
    is_told_only = check is OTHER_FAILURES and _code_of_other_failures(summary) == 0
    return RunOutcome.HELD if is_told_only else check.outcome


def _code_of_other_failures(summary: Summary) -> int:
    settings: Mapping[str, object] = summary.get("settings", {})
    code = settings.get("--exit-code-on-error")
    return code if isinstance(code, int) else EXIT_CODES[RunOutcome.FAILED]


def judge(summary: Summary) -> VerdictSection:
    """The verdict on a run; its grounds are in the order of precedence."""
    judged = judgements(summary)
    outcome = worst(each.outcome for each in judged)
    order = [*EXIT_CODES]
    told = sorted(filter(lambda each: each.text, judged), key=lambda e: order.index(e.outcome))
    grounds = [Ground(name=each.name, outcome=each.outcome, text=each.text) for each in told]
    return {
        "outcome": outcome,
        "exit_code": _exit_code(outcome, grounds, summary),
        "finding": _finding(outcome, grounds, summary),
        "grounds": grounds,
    }


def further_grounds(verdict: VerdictSection) -> list[Ground]:
    """The grounds that the finding does not tell in the same words."""
    finding = verdict["finding"].lower()
    return [each for each in verdict["grounds"] if each["text"].lower().rstrip(".") not in finding]


def _exit_code(outcome: RunOutcome, grounds: Sequence[Ground], summary: Summary) -> int:
    failed = [ground["name"] for ground in grounds if ground["outcome"] == RunOutcome.FAILED]
    return (
        _code_of_other_failures(summary) if failed == [OTHER_FAILURES.name] else EXIT_CODES[outcome]
    )


# -- what broke first, and what came near to it --------------------------------------------------


class FirstBreak(NamedTuple):
    """What broke first, and when: seconds of the run."""

    at: float
    text: str

    def mark(self) -> Mark:
        """Its mark on the timeline."""
        return {"at": round(self.at, 1), "text": f"broke first: {self.text}"}


def what_broke_first(summary: Summary) -> FirstBreak | None:
    """The first of the broken levels and failed sessions; None if nothing is known to have."""
    return min(_breaks(summary), default=None)


def _breaks(summary: Summary) -> Iterator[FirstBreak]:
    for verdict in summary.get("service_levels", ()):
        if verdict["outcome"] == RunOutcome.BROKEN and "broken_at" in verdict:
            yield FirstBreak(verdict["broken_at"], f"service level {verdict['level']}")
    if _is_replaced(FAILED_BY_THE_ACS, summary):
        return
    for failure in session_failures(summary):
        example = failure["example"]
        if example is not None and failure["blame"] != Blame.SHED.value:
            yield FirstBreak(example["at"], f"session of {example['cpe']}: {failure['reason']}")


class LevelMargin(NamedTuple):
    """How much of its bound a service level has used; 1 is all of it."""

    used: float
    verdict: LevelVerdict


def tightest_levels(summary: Summary) -> list[LevelMargin]:
    """The service levels that have a margin, the one with the least of it first."""
    levels = summary.get("service_levels", ())
    margins = [LevelMargin(used, v) for v in levels if (used := margin_used(v)) is not None]
    return sorted(margins, key=lambda margin: -margin.used)


# -- the one sentence -----------------------------------------------------------------------------


def _finding(outcome: RunOutcome, grounds: Sequence[Ground], summary: Summary) -> str:
    """The findings of the scenario's criteria, then how much was kept or what was not."""
    sections = _sections_of_criteria(summary)
    criteria = [_without_outcome(section).rstrip(".") for section in sections]
    rest = [_how_well(summary)] if outcome == RunOutcome.HELD else _what_not(grounds, summary)
    rest = [part for part in rest if part not in criteria]  # one may be the first ground, too
    if len(criteria) > 1:
        criteria = [f"{s['scenario']}: {c}" for s, c in zip(sections, criteria, strict=True)]
    text = "; ".join([*criteria, *rest])
    return text[:1].upper() + text[1:]


def _how_well(summary: Summary) -> str:
    p99 = summary["informs"]["from_plan_ms"]["p99"]
    latency = "" if p99 is None else f", p99 from plan {_time(p99)}"
    tightest = next(iter(tightest_levels(summary)), None)
    margin = f"; tightest level {_used(tightest)}" if tightest else ""
    return f"{_succeeded(summary['sessions'])}{latency}{margin}"


def _succeeded(sessions: SessionsSection) -> str:
    """How many sessions did, and how the others ended."""
    number = sessions["succeeded"]
    others = {"failed": sessions["failed"], "shed": sessions["shed"],
              "unfinished": sessions["unfinished"]}  # fmt: skip
    if parts := ", ".join(f"{count:,} {end}" for end, count in others.items() if count):
        return f"{number:,} of {number + sum(others.values()):,} sessions succeeded ({parts})"
    return "1 session succeeded" if number == 1 else f"all {number:,} sessions succeeded"


def _time(ms: float) -> str:
    return f"{ms:.3g} ms" if ms < 1000 else f"{ms / 1000:.3g} s"


def _used(margin: LevelMargin) -> str:
    return f"{margin.verdict['level']} at {margin.used:.0%} of its bound".replace("%", " %")


def _what_not(grounds: Sequence[Ground], summary: Summary) -> list[str]:
    first, ground = what_broke_first(summary), grounds[0]["text"].rstrip(".")
    if first is None or f"since {first.at:g} s" in ground:  # which says as much
        return [ground]
    return [ground, f"first at {first.at:.1f} s: {first.text}"]

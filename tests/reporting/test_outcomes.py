"""The four outcomes of a run, their exit codes and their precedence."""

from __future__ import annotations

from itertools import pairwise

import pytest

from caretaker.reporting.outcomes import EXIT_CODES, RunOutcome, worst


def test_each_outcome_has_an_exit_code_of_its_own_and_none_that_of_bad_input() -> None:
    assert set(EXIT_CODES) == set(RunOutcome)
    assert len(set(EXIT_CODES.values())) == len(EXIT_CODES)
    assert 2 not in EXIT_CODES.values()


def test_only_a_run_that_held_ends_with_0() -> None:
    assert [outcome for outcome, code in EXIT_CODES.items() if code == 0] == [RunOutcome.HELD]


@pytest.mark.parametrize(("before", "after"), list(pairwise(EXIT_CODES)))
def test_an_outcome_goes_before_those_behind_it(before: RunOutcome, after: RunOutcome) -> None:
    assert worst([after, before]) == before
    assert worst([before, after, after]) == before


def test_without_anything_to_judge_a_run_has_held() -> None:
    assert worst([]) == RunOutcome.HELD


def test_words_from_a_file_count_like_the_outcomes() -> None:
    assert worst(["held", "broken"]) is RunOutcome.BROKEN

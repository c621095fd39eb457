"""The conformance table: every rule of TR-069 has its test, or says why not."""

from __future__ import annotations

from helpers.conformance import TABLE, Conformance, markers, section_of

CONFORMANCE = Conformance.read()
WHOLE = ("4", "5", "6", "7", "8")
"""Sections of which, and of whose parts, no rule may be left out."""


def test_every_marker_names_a_rule() -> None:
    assert CONFORMANCE.tests.keys() - CONFORMANCE.rules.keys() == set()


def test_every_rule_has_a_test_or_a_reason_and_not_both() -> None:
    left_out = {name for name, rule in CONFORMANCE.rules.items() if rule.left_out}
    assert CONFORMANCE.rules.keys() - CONFORMANCE.tests.keys() == left_out
    assert left_out & CONFORMANCE.tests.keys() == set()


def test_every_rule_has_its_section_and_its_number_in_it() -> None:
    for section in CONFORMANCE.sections:
        names = [name for name in CONFORMANCE.rules if section_of(name) == section]
        assert names == [f"{section}-{number}" for number in range(1, len(names) + 1)]
    assert {section_of(name) for name in CONFORMANCE.rules} == set(CONFORMANCE.sections)


def test_of_sessions_events_and_methods_nothing_is_left_out() -> None:
    for name, rule in CONFORMANCE.rules.items():
        assert section_of(name).partition(".")[0] not in WHOLE or not rule.left_out, name


def test_evidence_is_of_the_known_kinds() -> None:
    for name, rule in CONFORMANCE.rules.items():
        assert set(rule.evidence.split()) <= set("XDSIU"), name


def test_only_tests_are_marked() -> None:
    for tests in CONFORMANCE.tests.values():
        for test in tests:
            last = test.rpartition("::")[2]
            assert last.startswith(("test_", "Test")), test


def test_the_document_is_what_the_tests_say() -> None:
    assert TABLE.read_text() == CONFORMANCE.table(), "run ./scripts/conformance"


def test_markers_are_found_wherever_they_may_stand() -> None:
    source = (
        "@pytest.mark.rule('1')\nclass TestX:\n"
        "    @pytest.mark.rule('2', '3')\n    @other\n    def test_y(self): ...\n"
        "@pytest.mark.parametrize('a', [pytest.param(1, marks=pytest.mark.rule('4'))])\n"
        "def test_z(): ...\n"
    )
    expected = [("TestX", ["1"]), ("TestX::test_y", ["2", "3"]), ("test_z", ["4"])]
    assert expected == list(markers(source))

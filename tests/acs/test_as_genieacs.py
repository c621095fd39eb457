"""Each thing that was measured of GenieACS has its test here, or is a difference on purpose."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

DOCUMENT = "docs/embedded-acs.md"
DIFFERS = "differs: "
"""Before the beginning of a row of the table of differences."""

STATEMENTS: dict[str, str] = {
    # CWMP
    "Coding: gzip": "test_an_answer_has_the_content_coding_of_its_request",
    "raw deflate gets no answer": f"{DIFFERS}Raw deflate",
    "in capitals, `x-gzip`": "test_other_codings_are_415",
    "Answers come in the coding": "test_an_answer_has_the_content_coding_of_its_request",
    "Chunked requests are fine": "test_a_chunked_request_is_fine",
    "A CDATA section": f"{DIFFERS}A CDATA",
    'An int "12abc"': "test_values_are_kept_as_genieacs_keeps_them",
    "Booleans: `1`": "test_values_are_kept_as_genieacs_keeps_them",
    "`yes` stay strings": "test_values_are_kept_as_genieacs_keeps_them",
    "dateTimes are kept": "test_values_are_kept_as_genieacs_keeps_them",
    "unsignedLong stays": "test_values_are_kept_as_genieacs_keeps_them",
    "GetParameterValuesResponse that lacks":
        "test_a_value_that_is_missing_in_the_answer_is_kept_as_an_empty_text",
    "the missing one is kept":
        "test_a_value_that_is_missing_in_the_answer_is_kept_as_an_empty_text",
    "CommandKey nobody knows": "test_requests_of_the_cpe_are_answered",
    "GetRPCMethods of a CPE lists": f"{DIFFERS}GetRPCMethods",
    "Kicked, DUStateChangeComplete": f"{DIFFERS}Kicked",
    "the session goes on": "test_every_method_of_an_acs_is_answered",
    "HoldRequests is ignored": "test_hold_requests_of_a_cpe_is_ignored",
    "CPE already in session": f'{DIFFERS}"CPE already in session"',
    "the old session goes on over":
        "test_a_session_goes_on_over_a_new_connection_with_its_cookie",
    "`session_terminated`": f"{DIFFERS}A task of a session that broke off",
    "takes the session lock": f"{DIFFERS}A task takes the session lock",
    "The 21st request": f"{DIFFERS}More than 20 requests",
    "Requests that it drops": f"{DIFFERS}Requests that it drops",
    "a refused password": "test_a_refused_password_is_a_401_without_a_challenge",
    "Over TLS it takes Basic": f"{DIFFERS}TLS",
    "The default preset": f"{DIFFERS}The default preset",
    # Connection Requests
    "2 s for EACH": "test_a_device_that_is_silent_is_offline",
    "Digest only by default": "test_what_genieacs_says_of_what_a_device_answers",
    "must be `Digest`": "test_what_genieacs_says_of_what_a_device_answers",
    "two WWW-Authenticate headers": "test_what_genieacs_says_of_what_a_device_answers",
    "MD5 always": "test_what_a_challenge_asks_for_is_echoed_and_computed_with_md5",
    "Unquoted values work": "test_what_genieacs_says_of_what_a_device_answers",
    "answers 401 and closes":
        "test_a_device_that_closes_after_its_challenge_accepts_and_is_called_offline",
    "IPv6 literal": "test_ipv6_literals_and_queries_work",
    "https is refused": "test_only_http_urls_are_called",
    "userinfo is sent as Basic":
        "test_the_login_in_a_url_is_shown_unasked_and_a_space_is_sent_as_20",
    "a space is sent": "test_the_login_in_a_url_is_shown_unasked_and_a_space_is_sent_as_20",
    "UDP ! only": "test_each_client_tries_them_in_its_order",
    "once UDP was sent":
        "test_a_datagram_goes_out_beside_http_whose_failure_is_none_then",
    "XMPP (XMPP_JID": "test_with_an_account_a_jid_is_sent_to_over_xmpp_and_never_by_http",
    "HTTP is never tried": "test_with_an_account_a_jid_is_sent_to_over_xmpp_and_never_by_http",
    "PLAIN is preferred": f"{DIFFERS}XMPP: PLAIN",
    "STARTTLS only": f"{DIFFERS}XMPP: PLAIN",
    # The north-bound API
    "`timeout` bounds only": "test_the_timeout_bounds_only_the_wait_for_the_session_to_begin",
    "300 at once": "test_the_wait_for_a_session_is_in_whole_steps_of_genieacs",
    "30 s for the lock":
        "test_a_task_with_a_connection_request_waits_for_the_session_that_is_running",
    "Reasons of a 202":
        "test_what_became_of_a_connection_request_is_said_as_genieacs_says_it",
    'Unexpected status code N"': "test_what_genieacs_says_of_what_a_device_answers",
    "Only the first two mean queued": "test_how_a_task_ended_is_said_in_genieacs_words",
    "CR alone": "test_without_a_body_only_the_connection_request_is_sent",
    "carry `timestamp`":
        "test_a_task_has_the_time_of_its_posting_and_no_field_of_its_own_is_overwritten",
    "`total: N` header":
        "test_the_total_counts_what_fits_the_query_and_not_what_is_shown",
    "is 405 with `Allow`": "test_another_method_is_405_and_says_which_are_allowed",
    "`download` takes": "test_a_file_is_what_a_download_task_names_and_a_device_gets",
    "`url` is ignored":
        "test_a_download_is_done_when_the_device_has_agreed_or_has_it_already",
    "`addObject` takes": "test_a_row_can_be_added_with_values",
    "Faulted tasks stay": "test_a_retry_runs_a_task_in_the_next_session",
    "/faults, /files, /presets": "test_each_collection_is_there_and_empty_at_first",
    "of an unknown name": "test_an_unknown_name_or_an_empty_row_is_done_without_a_fault",
    "with a trailing dot": "test_a_path_with_a_dot_at_its_end_is_a_fault_and_nothing_is_sent",
    "setting the value that is there": "test_a_value_that_is_there_is_not_set_again",
    "a number given as text": "test_queries_find_what_they_find_in_genieacs",
    "are patterns": "test_queries_find_what_they_find_in_genieacs",
    "`$nor`, `$not`": "test_queries_find_what_they_find_in_genieacs",
    "`$exists` on an object": "test_queries_find_what_they_find_in_genieacs",
    "`sort` works": "test_documents_are_sorted",
    "`limit=0`": "test_a_limit_of_0_means_all",
    "`_lastBoot`": "test_a_document_tells_what_is_known_of_the_device",
    "changes when the session ENDS":
        "test_a_document_tells_of_a_session_when_that_has_ended",
    "CSV export:": f"{DIFFERS}Virtual parameters",
    "several entries of an access list": f"{DIFFERS}Virtual parameters",
    "The newer 10-column form": f"{DIFFERS}Virtual parameters",
    "each part percent-encoded": "test_the_shortest_session",
    "encoded once more": "test_how_a_task_ended_is_said_in_genieacs_words",
}  # fmt: skip
"""A part of each statement, and the test or the difference that it is."""


def _sections(text: str) -> Iterator[str]:
    for section in ("CWMP side", "Connection Requests", "North-bound API"):
        yield text.partition(f"## {section}\n")[2].partition("\n## ")[0]


def _statements(text: str) -> list[str]:
    lines = [line for section in _sections(text) for line in section.splitlines()]
    return [
        statement
        for line in lines
        if line.startswith("* ")
        for statement in re.split(r"(?<=[.;]) ", line[2:])
    ]


def test_each_statement_of_the_measurements_is_a_test_or_a_difference(root: Path) -> None:
    shared = Path(os.environ.get("CARETAKER_SHARED", root.parent / "shared"))
    measurements = shared / "reference" / "genieacs.md"
    if not measurements.is_file():
        pytest.skip(f"{measurements} is absent")
    text = measurements.read_text()
    without = [
        statement
        for statement in _statements(text)
        if not any(part in statement for part in STATEMENTS)
    ]
    assert without == []
    assert [part for part in STATEMENTS if part not in text] == []


def test_each_of_these_tests_and_differences_exists(root: Path) -> None:
    tests = {
        node.name
        for folder in ("acs", "connection_request")
        for file in (root / "tests" / folder).glob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef)
    }
    table = (root / DOCUMENT).read_text().partition("## Where it differs")[2].partition("\n## ")[0]
    rows = [line.removeprefix("| ") for line in table.splitlines() if line.startswith("| ")]
    for name in STATEMENTS.values():
        if name.startswith(DIFFERS):
            assert any(row.startswith(name.removeprefix(DIFFERS)) for row in rows), name
        else:
            assert name in tests


def test_each_difference_says_what_and_why(root: Path) -> None:
    table = (root / DOCUMENT).read_text().partition("## Where it differs")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    assert len(rows) > 10
    assert all(len([cell for cell in row.split("|") if cell.strip()]) == 3 for row in rows)

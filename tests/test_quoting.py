"""Quotations of what a peer said: short, in one line, without secrets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.masking import MASK
from caretaker.quoting import MAX_QUOTE, is_html, quotation


@pytest.mark.parametrize(
    ("body", "quotation_"),
    [
        (b"", ""),
        (b"CPE already in session", "CPE already in session"),
        (b"\xef\xbb\xbf two\r\n\tlines\x00"[:-1], "two lines"),
        (b"a\x1b[31mred\x07", "a [31mred"),
        (b"x" * 100, "x" * 77 + "..."),
        (b"<html><head><title> 502 Bad\nGateway </title></head>", "502 Bad Gateway"),
        (b"<!-- c --><!DOCTYPE HTML><TITLE>a &amp; b</TITLE>", "a & b"),
        (b"<html><body>no title</body></html>", ""),
        (b"<soap:Envelope/>", ""),
        (b"\x89PNG\r\n\x1a\n\x00", ""),
        (b"\xff\xfe\xfa\xfb", ""),
        ("ü".encode() * 3000, "ü" * 77 + "..."),
        (b"bad password: hunter2", f"bad password: {MASK}"),
        (b'{"token":"abc"}', f'{{"token":"{MASK}'),
        (b"Authorization: Basic YTpi refused", f"Authorization: Basic {MASK} refused"),
        (b"see http://a:b@acs/", f"see http://{MASK}@acs/"),
    ],
)
def test_what_is_quoted_of_a_body(body: bytes, quotation_: str) -> None:
    assert quotation(body) == quotation_


@given(st.binary(max_size=300))
def test_a_quotation_of_anything_is_short_and_printable(body: bytes) -> None:
    said = quotation(body)
    assert len(said) <= MAX_QUOTE
    assert all(each.isprintable() or each not in "\r\n\t\x1b\x00\x07" for each in said)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<html>", True),
        (b"  <!doctype html>", True),
        (b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC>', True),
        (b"<htmlish/>", False),
        (b"<!DOCTYPE x><x/>", False),
        (b"html", False),
    ],
)
def test_a_page_is_told_from_other_bodies(body: bytes, *, expected: bool) -> None:
    assert is_html(body) is expected


def test_comments_without_a_page_end_soon() -> None:
    assert not is_html(b"<!---->" * 500 + b"x")
    assert is_html(b"<!-- a --> <!---->" * 100 + b"<html>")

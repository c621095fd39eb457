"""Texts are found between the parts that are known, and nowhere else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from caretaker.text_template import TextTemplate

PARTS = ["<a>", "</a><b>", "</b>"]
TEXTS = st.text("ab>/ \r\n\0é", max_size=5)


@given(TEXTS, TEXTS, st.text(max_size=5))
def test_the_texts_between_the_parts_are_read(first: str, second: str, rest: str) -> None:
    text = f"<a>{first}</a><b>{second}</b>"
    assert TextTemplate(PARTS).read(text + rest) == ([first, second], len(text))


def test_a_text_with_another_part_is_none_of_the_form() -> None:
    text = "<a>1</a><b>22</b>"
    of_texts = {3, 11, 12}
    for at in range(len(text)):
        found = TextTemplate(PARTS).read(f"{text[:at]}x{text[at + 1 :]}")
        assert (found is not None) == (at in of_texts)


def test_what_is_cut_off_is_none_of_the_form() -> None:
    text = "<a>1</a><b>22</b>"
    assert [TextTemplate(PARTS).read(text[:end]) for end in range(len(text))] == [None] * len(text)


def test_a_form_may_have_no_texts() -> None:
    assert TextTemplate(["<a/>"]).read("<a/><b/>") == ([], 4)

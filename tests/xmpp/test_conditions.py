"""The conditions that errors of an XMPP server name."""

from __future__ import annotations

import pytest
from lxml import etree

from caretaker.xmpp.conditions import SASL_CONDITIONS, UNDEFINED, condition_of
from caretaker.xmpp.namespaces import SASL


@pytest.mark.parametrize(
    ("child", "condition"),
    [
        (f"<not-authorized xmlns='{SASL}'/>", "not-authorized"),
        (f"<text xmlns='{SASL}'/><not-authorized xmlns='{SASL}'/>", "not-authorized"),
        ("<not-authorized/>", UNDEFINED),
        (f"<of-a-later-time xmlns='{SASL}'/>", UNDEFINED),
        ("", UNDEFINED),
    ],
)
def test_a_condition_is_one_of_its_namespace(child: str, condition: str) -> None:
    error = etree.fromstring(f"<failure>{child}</failure>")
    assert condition_of(error, SASL, SASL_CONDITIONS) == condition


def test_a_name_that_lxml_itself_would_not_write_is_no_condition() -> None:
    parser = etree.XMLPullParser(("end",))
    parser.feed("<failure><undeclared:a:b/></failure>")
    *_, (_, error) = parser.read_events()
    assert isinstance(error, etree._Element)
    assert condition_of(error, SASL, SASL_CONDITIONS) == UNDEFINED


def test_no_error_names_no_condition() -> None:
    assert condition_of(None, SASL, SASL_CONDITIONS) == UNDEFINED

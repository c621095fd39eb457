"""Messages as XML: every message has its elements, read and written the same way."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.schemas import Schemas
from helpers.strategies import instances
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from caretaker.cwmp import message_xml
from caretaker.cwmp import messages as m

XS = "{http://www.w3.org/2001/XMLSchema}"


def test_every_message_class_has_a_codec() -> None:
    expected = {*m.REQUESTS.values(), *m.RESPONSES.values(), m.Fault}
    assert expected == set(message_xml.CODECS)


@pytest.mark.rule("8-13")
def test_every_message_of_the_schema_is_known(schemas: Schemas) -> None:
    tree = etree.parse(str(schemas._folder / "cwmp-1-2.xsd"))
    headers = {"ID", "HoldRequests"}
    names = {str(each.get("name")) for each in tree.getroot().findall(f"{XS}element")} - headers
    assert names == {cls.__name__ for cls in message_xml.CODECS}


def _elements(node: etree._Element) -> list[str | None]:
    return [each.get("name") for each in node.iter(f"{XS}element") if each is not node]


@pytest.mark.rule("7-1", "8-13")
def test_every_message_and_struct_has_the_elements_of_the_schema_in_its_order(
    schemas: Schemas,
) -> None:
    root = etree.parse(str(schemas._folder / "cwmp-1-2.xsd")).getroot()
    structs = {"ParameterInfoStruct", "EventStruct", "DeviceIdStruct", "TimeWindowStruct"}
    structs |= {"SetParameterAttributesStruct", "ParameterAttributeStruct", "OpResultStruct"}
    structs |= {"QueuedTransferStruct", "AllQueuedTransferStruct", "InstallOpStruct"}
    compared = 0
    for node in root:
        name = str(node.get("name"))
        if name in m.REQUESTS | m.RESPONSES or name in structs:
            fields = message_xml._fields_of(getattr(m, name))
            assert _elements(node) == [field.xml_name for field in fields], name
            compared += 1
    assert compared == len(m.REQUESTS) + len(m.RESPONSES) + len(structs)


WRITTEN_BY_HAND = [
    cls for cls, by_hand in message_xml.BY_HAND.items() if by_hand.write and not by_hand.read
]
"""Those without attributes of their own, which their fields alone would write as well."""


@pytest.mark.parametrize("cls", WRITTEN_BY_HAND)
@given(data=st.data())
def test_what_is_written_by_hand_is_what_its_fields_would_give(
    cls: type, data: st.DataObject
) -> None:
    value: Any = data.draw(instances(cls))
    by_fields = message_xml._struct_writer(cls, message_xml._fields_of(cls))
    assert message_xml._codec_of(cls).write(value) == by_fields(value)


def test_every_class_of_the_table_has_its_functions() -> None:
    assert len(WRITTEN_BY_HAND) == len(message_xml.BY_HAND) - 2  # a value's type, a Fault's detail
    for cls, by_hand in message_xml.BY_HAND.items():
        codec = message_xml._codec_of(cls)
        assert by_hand.read in (None, codec.read)
        assert by_hand.write == codec.write

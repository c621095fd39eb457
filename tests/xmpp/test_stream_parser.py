"""The parser of a stream: whole stanzas of bytes in any pieces, and what it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.errors import StreamError
from caretaker.xmpp.namespaces import IQ_TAG
from caretaker.xmpp.stream_parser import (
    MAX_DEPTH,
    MAX_ELEMENTS,
    MAX_STANZA_BYTES,
    StreamParser,
)

HEADER = (
    b"<?xml version='1.0'?><stream:stream id='7' from='example.org' version='1.0' "
    b"xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
)
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="<&\ufffe\uffff"))


def read(data: bytes, size: int = 0) -> list[bytes]:
    """The names and texts of the stanzas, given in pieces of that size."""
    parser = StreamParser()
    size = size or len(data) or 1
    stanzas = []
    for at in range(0, len(data), size):
        stanzas += [
            f"{stanza.tag} {stanza.get('to')} {stanza.text}".encode()
            for stanza in parser.feed(data[at : at + size])
        ]
    return stanzas


def condition(data: bytes) -> str:
    with pytest.raises(StreamError) as raised:
        read(data)
    return raised.value.condition


def test_the_header_and_stanzas_are_read() -> None:
    parser = StreamParser()
    (stanza,) = parser.feed(HEADER + b"<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>")
    assert parser.header == {"id": "7", "from": "example.org", "version": "1.0"}
    assert (stanza.tag, stanza.get("id")) == (IQ_TAG, "1")
    assert [child.tag for child in stanza] == ["{urn:xmpp:ping}ping"]


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=4), st.integers(1, 60))
def test_pieces_make_no_difference(stanzas: list[tuple[str, str]], size: int) -> None:
    written = [f'<iq to="{to.replace(chr(34), "")}">{text}&amp;&#62;</iq>' for to, text in stanzas]
    data = HEADER + "\n ".join(written).encode()
    assert read(data, size) == read(data)
    assert len(read(data)) == len(stanzas)


def test_a_greater_than_sign_ends_a_stanza_only_where_a_tag_ends() -> None:
    data = HEADER + b"<iq to='a>'>b></iq> <iq to='c'>d</iq>"
    assert read(data) == [f"{IQ_TAG} a> b>".encode(), f"{IQ_TAG} c d".encode()]


def test_a_stream_that_waits_holds_no_parser() -> None:
    parser = StreamParser()
    list(parser.feed(HEADER + b"<iq/> \n  "))
    assert parser._pull is None
    assert parser._buffer == b""


def test_the_end_of_the_stream_is_seen() -> None:
    parser = StreamParser()
    assert list(parser.feed(HEADER + b"<iq/></stream:stream><iq/>")) != []
    assert parser.is_over


@pytest.mark.parametrize(
    "rubbish",
    [
        b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + HEADER,
        b"<?xml version='1.0'?><!DOCTYPE stream:stream SYSTEM 'http://127.0.0.1/'>" + HEADER,
        HEADER + b"<!-- no -->",
        HEADER + b"<iq><?no no?></iq>",
        HEADER + b"<iq>&b;</iq>",
        HEADER + b"<iq to='&b;'/>",
        HEADER + b"<iq><![CDATA[no]]></iq>",
    ],
)
def test_what_xmpp_forbids_of_xml_ends_the_stream(rubbish: bytes) -> None:
    assert condition(rubbish) == "restricted-xml"


@pytest.mark.parametrize(
    "rubbish",
    [
        HEADER + b"<iq></message>",
        HEADER + b"no<iq/>",
        HEADER + b"<iq to='\xff'/>",
        HEADER + b"<no:iq/>",
        HEADER + b"<stream:a:b/>",
        HEADER + b"<iq><:a/></iq>",
        HEADER + b"<iq no:to='a'/>",
        HEADER + b"<iq xmlns:a='b' xmlns:c='b' a:to='1' c:to='2'/>",
        HEADER + b"<iq xmlns:a=''/>",
        HEADER + b"<iq xmlns:xml='a'/>",
        b"<stream:stream xmlns='jabber:client'>",
        HEADER.replace(b" id=", b" no:id="),
        b"HTTP/1.1 400 Bad Request\r\n\r\n<html>",
    ],
)
def test_what_is_not_xml_ends_the_stream(rubbish: bytes) -> None:
    assert condition(rubbish) == "not-well-formed"


NAMES = st.sampled_from(["ping", "stream:ping", "a:ping", "b:ping", "a:b:ping", ":ping", "a:"])
"""Of elements and attributes; ``a`` and ``b`` may be declared, ``stream`` is by the header."""


@given(st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=4), st.sets(st.sampled_from("ab")))
def test_a_stanza_is_read_only_if_its_names_are_those_of_xml_namespaces(
    names: list[tuple[str, str]], declared: set[str]
) -> None:
    spaces = "".join(f" xmlns:{prefix}='urn:{prefix}'" for prefix in sorted(declared))
    children = "".join(f"<{element} {attribute}='1'/>" for element, attribute in names)
    data = HEADER + f"<iq{spaces}>{children}</iq>".encode()
    known = {"ping", "stream:ping"} | {f"{prefix}:ping" for prefix in declared}
    if known.issuperset(name for pair in names for name in pair):
        assert len(read(data)) == 1
    else:
        assert condition(data) == "not-well-formed"


@pytest.mark.parametrize("uri", ["relative", "no uri%", "\u00e4", ""])
def test_a_namespace_need_not_be_a_good_uri(uri: str) -> None:
    assert len(read(HEADER + f"<iq><a xmlns='{uri}'/></iq>".encode())) == 1


def test_another_kind_of_stream_is_refused() -> None:
    assert condition(b"<html>") == "bad-format"


@pytest.mark.parametrize(
    "flood",
    [
        b"<iq>" + b"a" * MAX_STANZA_BYTES,
        b"<iq>" + b"<a/>" * MAX_STANZA_BYTES,
        b"<a>" * MAX_DEPTH,
        b"<iq>" + b"<a/>" * MAX_ELEMENTS,
        b"<iq to='" + b"a" * MAX_STANZA_BYTES,
    ],
)
def test_a_stanza_without_end_is_cut(flood: bytes) -> None:
    assert condition(HEADER + flood) == "policy-violation"


def test_many_stanzas_are_no_large_one() -> None:
    assert len(read(HEADER + b"<iq>a</iq>" * 10_000, 65_536)) == 10_000


@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_raise_anything_else(data: bytes, after_header: bool) -> None:
    try:
        read(HEADER + data if after_header else data)
    except StreamError as error:
        assert error.condition

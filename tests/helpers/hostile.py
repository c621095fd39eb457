"""
Hostile inputs of any size for whatever reads foreign bytes: run by ``tests/test_linear.py``.

As a program, under callgrind, it reads each of them at three sizes. It calls ``getppid`` before and
after each, where callgrind writes down the instructions since the last time.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from caretaker import masking, quoting
from caretaker.acs.devices import _VALUES
from caretaker.acs.parameters import Parameters
from caretaker.acs.queries import matches
from caretaker.acs.task_rpcs import parse_task
from caretaker.connection_request.genieacs_client import _fields
from caretaker.connection_request.server import ConnectionRequestApp
from caretaker.connection_request.udp_client import address_of
from caretaker.cwmp import messages as m
from caretaker.cwmp.codec import decode, decode_by_parser
from caretaker.cwmp.xml import escape
from caretaker.data_model.types import TYPES
from caretaker.data_model.value_limits import list_items
from caretaker.engine.recorded_session import _rpc
from caretaker.errors import CaretakerError, DatagramError, InputError
from caretaker.http import (
    authentication,
    connect_errors,
    content_coding,
    cookies,
    response_parser,
)
from caretaker.http.credentials import Credentials
from caretaker.http.endpoint import Address
from caretaker.http.request_parser import RequestReader
from caretaker.profiles import bbf_data_model, genieacs_csv, http_framing, profile_toml, soap_dump
from caretaker.reporting.markdown import escaped
from caretaker.reporting.service_levels import ServiceLevel
from caretaker.scenarios.catalogue import parse
from caretaker.stun.udp_connection_request import UDPConnectionRequest
from caretaker.xmpp.stream_parser import StreamParser

SIZES = (1_000, 2_000, 4_000)

Make = Callable[[int], Any]
"""Makes a hostile input of about so many bytes."""


def text(start: str, again: str, end: str = "") -> Make:
    return lambda size: f"{start}{again * (size // len(again))}{end}"


def data(start: str, again: str, end: str = "") -> Make:
    return lambda size: text(start, again, end)(size).encode("latin-1")


def _feed(raw: bytes) -> None:
    reader = response_parser.ResponseReader()
    reader.feed(raw, 1_000_000)


def _udp_request(raw: bytes) -> None:
    with suppress(DatagramError):
        UDPConnectionRequest.decode(raw)


def _udp_address(raw: str) -> None:
    with suppress(InputError):
        address_of(raw)


def _plain(raw: bytes) -> None:
    response_parser.plain_head.__wrapped__(raw)  # the head of a response, at any length


def _request(raw: bytes) -> None:
    RequestReader({}).feed(raw)


def _challenge(value: str) -> None:
    authentication.HTTPAuth(Credentials("u", "p")).challenge([value])


def _authorization(value: str) -> None:
    side = authentication.DigestVerifier("realm", lambda: 0.0)
    side.check(Credentials("u", "p"), "GET", "/", value)


def _cookie(value: str) -> None:
    cookies.CookieJar().take(value)


def _connection_request(path: str) -> None:
    app = ConnectionRequestApp(lambda _: None)
    app({"PATH_INFO": path, "REQUEST_METHOD": "GET"}, lambda *_: None)  # type: ignore[arg-type]


def _names(count: str) -> None:
    Parameters().learn_values(
        [m.ParameterValueStruct(f"A.{number}", "", "") for number in range(len(count) // 10)], 1.0
    )


def _query(pattern: str) -> None:
    matches({"a": {"_value": "x" * len(pattern)}}, {"a": {"$regex": pattern[:150]}})


def _star_query(actual: str) -> None:
    matches({"a": {"_value": actual}}, {"a": "*x" * 90})


def _integer(value: str) -> None:
    _VALUES["xsd:int"](value)


def _stanzas(raw: bytes) -> None:
    for _ in StreamParser().feed(raw):
        pass


XMPP = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
ENVELOPE = "<s:Envelope xmlns:s='u'><s:Body>"
CASES: dict[str, tuple[Make, Callable[[Any], object]]] = {
    # caretaker.http
    "response_parser: spaces in a header": (data("HTTP/1.1 200 OK\r\nA:", " ", "\x01"), _plain),
    "response_parser: words in a header": (data("HTTP/1.1 200 OK\r\nA: ", "x ", "\x01"), _plain),
    "response_parser: a reason phrase": (data("HTTP/1.1 200 ", "x ", "\x01"), _plain),
    "response_parser: short headers": (data("HTTP/1.1 200 OK\r\n", "a:\r\n"), _feed),
    "response_parser: interim answers": (data("", "HTTP/1.1 100 C\r\n\r\n"), _feed),
    "response_parser: small chunks": (
        data("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"),
        _feed,
    ),
    "connect_errors: no HTTP": (data("", "1.1 "), connect_errors.not_http),
    "request_parser: short headers": (data("GET / HTTP/1.1\r\n", "a:\r\n"), _request),
    "request_parser: one header again": (data("GET / HTTP/1.1\r\n", "abc: d\r\n"), _request),
    "request_parser: pipelined": (data("", "GET / HTTP/1.1\r\n\r\n"), _request),
    "wsgi_environ: a target": (data("GET http:", "/", " HTTP/1.1\r\n\r\n"), _request),
    "challenges: spaces after commas": (text("", ",  "), _challenge),
    "challenges: schemes": (text("", "Digest, "), _challenge),
    "challenges: quotes": (text("Digest a=", '"b",'), _challenge),
    "challenges: backslashes": (text('Digest a="', "\\"), _challenge),
    "challenges: equals": (text("Digest ", "a = "), _challenge),
    "digest: a nonce": (text('Digest nonce="', "\x7f"), _challenge),
    "authentication: backslashes": (text('Digest nc="', "\\"), _authorization),
    "cookies: attributes": (text("a=b", ";x=y"), _cookie),
    "cookies: expires": (text("a=b; Expires=", "Wed, "), _cookie),
    "cookies: digits": (text("a=b; Max-Age=", "9"), _cookie),
    "content_coding: broken": (
        data("\x78\x9c", "\x00"),
        lambda raw: content_coding.decoded(raw, "deflate"),
    ),
    "endpoint: a URL": (text("http://", "a."), Address.of),
    "connection_request.server: a path": (text("http:/", "/"), _connection_request),
    "connection_request.udp_client: an address": (text("[", "::", "]:1"), _udp_address),
    # caretaker.stun
    "stun.udp_connection_request: a host": (data("GET http://", "a."), _udp_request),
    "stun.udp_connection_request: a query": (data("GET http://a?", "&="), _udp_request),
    # caretaker.cwmp
    "xml: white space before": (data("", " \n", "<a>"), decode_by_parser),
    "xml: control characters": (data("<a>", "\x01&#1;", "</a>"), decode_by_parser),
    "xml: a declaration without an end": (data("<?xml ", "?"), decode_by_parser),
    "xml: elements": (data(ENVELOPE, "<a/>", "</s:Body></s:Envelope>"), decode_by_parser),
    "xml: attributes": (
        lambda size: f"<a {' '.join(f'b{n}=x' for n in range(size // 8))}/>".encode(),
        decode_by_parser,
    ),
    "xml: text": (text("", "<>&\r"), escape),
    "message_xml: repeated elements": (
        data(
            f"{ENVELOPE}<ChangeDUState>",
            "<Operations xsi:type='UninstallOpStruct'/>",
            "</ChangeDUState></s:Body></s:Envelope>",
        ),
        decode_by_parser,
    ),
    "message_xml: names": (
        data(
            f"{ENVELOPE}<GetParameterValues><ParameterNames>",
            "<string>a</string>",
            "</ParameterNames></GetParameterValues></s:Body></s:Envelope>",
        ),
        decode_by_parser,
    ),
    "shapes: texts without an end": (data("<a>", "> a ", "</a>"), decode),
    "shapes: ends": (data("<a>", ">a</"), decode),
    "shapes: encodings": (data("<a>", "encoding = "), decode),
    # caretaker.data_model
    "types: dateTime": (text("", " ", "2"), TYPES["xsd:dateTime"].fits),
    "types: int": (text("", " ", "x"), TYPES["xsd:int"].fits),
    "types: base64": (text("", "abcd", "!"), TYPES["xsd:base64Binary"].fits),
    "types: hex": (text("", "ab", "!"), TYPES["xsd:hexBinary"].fits),
    "value_limits: lists": (text("", "[,"), list_items),
    # what is shown and kept
    "masking: start tags": (data("", "<a "), masking.masked_body),
    "masking: quotes": (data("<a ", "b='"), masking.masked_body),
    "masking: nested": (data("<password>", "<a>"), masking.masked_body),
    "masking: secrets": (data("", "<password>x</password>"), masking.masked_body),
    "masking: elements in it": (
        data("<psk>", "<a b='x'>x<!--x--></a>", "</psk>"),
        masking.masked_body,
    ),
    "masking: attributes": (data("&<psk><a", " b = c", ">"), masking.masked_body),
    "masking: attributes without values": (data("&<psk><a", " b  ", ">"), masking.masked_body),
    "masking: comments": (data("<a>", "<!-- <psk>x -->", "</a>"), masking.masked_body),
    "masking: open comments": (data("<psk>", "<!--"), masking.masked_body),
    "masking: values that stay open": (data("<psk>&", "<psk a/><psk "), masking.masked_body),
    "masking: declarations": (data("", "<!DOCTYPE [ ] "), masking.masked_body),
    "masking: references": (text("://", "&#1;"), masking.masked),
    "masking: references in queries": (text("", "?key&#61;&#1;"), masking.masked),
    "masking: URLs": (text("", "://a:"), masking.masked),
    "masking: queries": (text("", "?key"), masking.masked),
    "masking: a header": (
        text("Digest ", "response ="),
        lambda value: masking.masked_header("authorization", value),
    ),
    "quoting: comments": (data("", "<!--"), quoting.quotation),
    "quoting: empty comments": (data("", "<!---->", "x"), quoting.quotation),
    "quoting: titles": (data("<html>", "<title>"), quoting.quotation),
    "quoting: words": (data("", "password "), quoting.quotation),
    "recorded_session: bodies": (data("", "<Body "), _rpc),
    # files of the user
    "http_framing: heads": (data("", "POST / HTTP/1.1\r\na: b\r\n"), http_framing.unframed),
    "http_framing: sizes": (data("", "1\r\n<\r\n", "x"), http_framing.unframed),
    "http_framing: sizes that fit nothing": (data("", "9\r\n<\r\n"), http_framing.unframed),
    "soap_dump: starts": (data("", "<Envelope "), soap_dump.is_dump),
    "soap_dump: declarations": (data("", "<?xml <Envelope>"), soap_dump.is_dump),
    "genieacs_csv: quotes": (
        data("Parameter,Value\n", '"a""'),
        lambda raw: genieacs_csv.read_export("x", raw),
    ),
    "genieacs_csv: rows": (
        lambda size: (
            "Parameter,Value\n" + "".join(f"Device.A{n},\n" for n in range(size // 12))
        ).encode(),
        lambda raw: genieacs_csv.read_export("x", raw),
    ),
    "genieacs_csv: dots": (
        data("Parameter,Value\nDevice", ".a", ",x\n"),
        lambda raw: genieacs_csv.read_export("x", raw),
    ),
    "profile_toml: an OUI": (text("", "-a"), profile_toml.normalized_oui),
    "profile_toml: tables": (
        data("base = 'a'\n", "[[parameter]]\n"),
        lambda raw: profile_toml.read_profile_file("x", raw),
    ),
    "bbf_data_model: elements": (
        data("<document>", "<model/>", "</document>"),
        lambda raw: bbf_data_model.read_definitions("x", raw),
    ),
    "service_levels: spaces": (text("a", " ", "x"), ServiceLevel.parse),
    "service_levels: operators": (text("a", "<"), ServiceLevel.parse),
    "service_levels: digits": (text("a<", "1"), ServiceLevel.parse),
    "scenarios: parts": (text("steady", ",steady"), parse),
    "markdown: marks": (text("", "*_"), escaped),
    # caretaker.connection_request
    "genieacs_client: names": (text("", "x"), _fields),
    "genieacs_client: spaces": (text("a=", " "), _fields),
    "genieacs_client: quotes": (text('a="', '\\"'), _fields),
    "genieacs_client: fields": (text("", "a=b,"), _fields),
    # caretaker.acs
    "parameters: names": (text("", "x"), _names),
    "queries: a pattern": (text("^", "x"), _query),
    "queries: stars": (text("", "x"), _star_query),
    "devices: digits": (text("-", "1"), _integer),
    "devices: spaces": (text("", " "), _integer),
    "task_rpcs: values": (
        lambda size: {
            "name": "setParameterValues",
            "parameterValues": [["a", 1, "x:" + "y" * 9]] * (size // 10),
        },
        parse_task,
    ),
    # caretaker.xmpp
    "stream_parser: stanzas": (data(XMPP, "<iq/>"), _stanzas),
    "stream_parser: greater-than signs": (data(f"{XMPP}<iq>", ">"), _stanzas),
    "stream_parser: entities": (data(f"{XMPP}<iq>", "&amp;"), _stanzas),
    "stream_parser: spaces": (data(XMPP, " "), _stanzas),
}
"""A name that begins with the module's, what makes the input, and what reads it."""


def main(names: list[str]) -> None:
    """Read the inputs of these cases, each first at a tenth of the smallest size."""
    gc.disable()  # a collection of all that is there would count as that of one input
    for name in names:
        make, read = CASES[name]
        for size in (SIZES[0] // 10, *SIZES):
            made = make(size)
            os.getppid()
            with suppress(CaretakerError, ValueError):
                read(made)
            os.getppid()


if __name__ == "__main__":
    main(sys.argv[1:] or list(CASES))

"""HTTP around dumps: no framing ends up in a value, whatever became of it on its way."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.cwmp import Envelope, encode
from caretaker.cwmp import messages as m
from caretaker.profiles.http_framing import unframed
from caretaker.profiles.profile import KNOWN
from caretaker.profiles.soap_dump import read_dump

TEXT = "0123456789abcdef\n" * 40
MESSAGE = m.GetParameterValuesResponse(
    tuple(m.ParameterValueStruct(f"Device.X.{n}.A", TEXT, "xsd:string") for n in range(1, 4))
)
BODY = encode(Envelope(MESSAGE, "1"))


def chunked(body: bytes, size: int = 700, extension: bytes = b"") -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    lines = [b"%x%s\r\n%s\r\n" % (len(piece), extension, piece) for piece in pieces]
    return b"".join([*lines, b"0\r\n\r\n"])


def message(body: bytes, *headers: bytes) -> bytes:
    return b"\r\n".join([b"POST /acs HTTP/1.1", b"Host: a", *headers, b"", body])


CHUNKED, GZIP = b"Transfer-Encoding: chunked", b"Content-Encoding: gzip"
CODED = gzip.compress(BODY)
CASES = {
    "no HTTP": BODY,
    "a length": message(BODY, b"Content-Length: %d" % len(BODY)),
    "chunks": message(chunked(BODY), CHUNKED),
    "one chunk": message(chunked(BODY, 10**6), CHUNKED),
    "small chunks": message(chunked(BODY, 17), CHUNKED),
    "chunks with extensions": message(chunked(BODY, extension=b";a=b"), CHUNKED),
    "chunks without a head": chunked(BODY),
    "chunks whose line ends became LF": message(chunked(BODY.replace(b"\n", b"\r\n")), CHUNKED)
    .replace(b"\r\n", b"\n"),
    "chunks whose sizes fit no more": message(
        chunked(BODY).replace(b"xsd:string", b"xsd:token"), CHUNKED
    ),
    "chunks that were cut off": message(chunked(BODY).removesuffix(b"0\r\n\r\n"), CHUNKED),
    "gzip": message(CODED, GZIP, b"Content-Length: %d" % len(CODED)),
    "gzip in chunks": message(chunked(CODED), CHUNKED, GZIP),
    "deflate": message(zlib.compress(BODY), b"Content-Encoding: deflate"),
    "two messages": message(chunked(BODY), CHUNKED) + b"HTTP/1.1 204 No Content\r\n\r\n"
    + message(BODY),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_values_are_those_of_the_device(case: str) -> None:
    export = read_dump([("a", CASES[case])], KNOWN)
    assert [row.path for row in export.rows] == [each.name for each in MESSAGE.parameter_list]
    assert {row.value.replace("\r", "") for row in export.rows} == {TEXT}
    assert export.odd == []


@given(st.binary(max_size=200), st.sampled_from([CHUNKED, GZIP, b"A: b"]))
def test_any_bytes_are_read(body: bytes, header: bytes) -> None:
    unframed(body)
    unframed(message(body, header))

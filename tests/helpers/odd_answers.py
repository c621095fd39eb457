"""Forms in which an ACS may give an answer, good and bad, as they are on the wire."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable
from itertools import pairwise

from helpers.odd_servers import CLOSE, RESET, Steps
from helpers.wire import answer

Form = Callable[[bytes], bytes | Steps]
"""Takes an answer of the plain form, and returns what a server does in place of it."""
Change = Callable[[bytes], bytes]


def _parts(said: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Status line, header lines and body."""
    head, _, body = said.partition(b"\r\n\r\n")
    line, *headers = head.split(b"\r\n")
    return line, headers, body


def _joined(line: bytes, headers: list[bytes], body: bytes) -> bytes:
    return b"\r\n".join((line, *headers)) + b"\r\n\r\n" + body


# -- how forms are made ---------------------------------------------------------------------------


def _line(text: bytes) -> Form:
    """Another status line."""
    return lambda said: _joined(text, *_parts(said)[1:])


def _with(*more: str) -> Form:
    """Further headers."""

    def form(said: bytes) -> bytes:
        line, headers, body = _parts(said)
        return _joined(line, [*headers, *(each.encode("latin-1") for each in more)], body)

    return form


def _framed(*headers: str) -> Form:
    """Other headers alone; {} stands for the length of the body."""

    def form(said: bytes) -> bytes:
        line, _, body = _parts(said)
        length = str(len(body))
        return _joined(line, [each.replace("{}", length).encode() for each in headers], body)

    return form


def _head_of(size: int) -> Form:
    """A head of so many bytes, without the empty line."""

    def form(said: bytes) -> bytes:
        line, headers, body = _parts(said)
        missing = size - len(b"\r\n".join((line, *headers, b"X: ")))
        return _joined(line, [*headers, b"X: " + b"x" * missing], body)

    return form


def _headers_of(number: int) -> Form:
    def form(said: bytes) -> bytes:
        line, headers, body = _parts(said)
        return _joined(line, [*headers, *[b"X: y"] * (number - len(headers))], body)

    return form


def _chunks(extension: bytes = b"", trailers: bytes = b"", headers: tuple[str, ...] = ()) -> Form:
    def form(said: bytes) -> bytes:
        line, _, body = _parts(said)
        first = b"%x%s\r\n%s\r\n" % (len(body), extension, body) if body else b""
        lines = [each.encode() for each in ("Transfer-Encoding: chunked", *headers)]
        return _joined(line, lines, first + b"0\r\n" + trailers + b"\r\n")

    return form


def _body(change: Change, *headers: str) -> Form:
    """Another body, where there is one, and its length."""

    def form(said: bytes) -> bytes:
        line, _, body = _parts(said)
        status = line.removeprefix(b"HTTP/1.1 ").decode()
        return answer(status, change(body), *headers) if body else said

    return form


def _padded(size: int) -> Form:
    return _body(lambda body: body.ljust(size))


def _replaced(pattern: bytes, text: bytes) -> Form:
    """What matches in the body, replaced; it may go beyond one line."""
    return _body(lambda body: re.sub(pattern, text, body, flags=re.DOTALL))


def _status(status: str, *headers: str, body: bytes = b"") -> Form:
    """Another answer in place of the one that is due."""
    return lambda _: answer(status, body, *headers)


def _then(form: Form, end: object) -> Form:
    return lambda said: (form(said), end)


def _cut(*at: int) -> Form:
    """In pieces."""

    def form(said: bytes) -> tuple[bytes, ...]:
        cuts = [0, *(each % len(said) for each in at), len(said)]
        return tuple(said[a:b] for a, b in pairwise(cuts))

    return form


def _plain(said: bytes) -> bytes:
    return said


def _gzip(body: bytes) -> bytes:
    """The same bytes at all times."""
    return gzip.compress(body, mtime=0)


def _raw_deflate(body: bytes) -> bytes:
    coder = zlib.compressobj(wbits=-15)
    return coder.compress(body) + coder.flush()


def _older(*headers: str) -> Form:
    return lambda said: _with(*headers)(said.replace(b"HTTP/1.1", b"HTTP/1.0", 1))


INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
CHALLENGE = 'WWW-Authenticate: Digest realm="acs", nonce="n1", qop="auth"'

# -- the forms ------------------------------------------------------------------------------------

HEADS: dict[str, Form] = {
    **{f"a head of {size} bytes": _head_of(size) for size in (2047, 2048, 2049, 65536, 65537)},
    **{f"{number} headers": _headers_of(number) for number in (50, 51, 200, 201)},
    **{
        f"a header {each!r}": _with(each)
        for each in (
            "X: a\r\n b", "X_Y: a", "X: \xe4", "X: a\tb", "X:\ta\t", "X:", "X", "X : y", "X!#: y",
            "X: a\0b", "X: a\x01b", ": y", "X: \x7f", "X: a\rb", "Keep-Alive: timeout=5, max=1",
            "Connection: Keep-Alive", "Connection: keep-alive, x", "Connection: close, keep-alive",
            "Connection: upgrade", "Connection:", "Connection: x", "Proxy-Connection: close",
            "Upgrade: h2c", "Date: Sun, 29 Nov 2026 00:00:00 GMT",
            'Authentication-Info: nextnonce="n9"',
            "Connection: keep-alive\r\nConnection: close",
        )
    },
    **{
        f"a line {each!r}": _line(each)
        for each in (
            b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"http/1.1 200 OK", b"HTTP/2.0 200 OK",
            b"HTTP/1.2 200 OK", b"HTTP/1.1 600 X", b"HTTP/1.1 2000 X",
            b"HTTP/1.1  200 OK", b"HTTP/1.1 200 \xe4", b"HTTP/1.1 200\tOK", b"ICY 200 OK",
            b"HTTP/1.1 200 O\0K", b"\r\nHTTP/1.1 200 OK", b" HTTP/1.1 200 OK",
        )
    },
    "lines that end with LF": lambda said: said.replace(b"\r\n", b"\n"),
}  # fmt: skip
LENGTHS: dict[str, Form] = {
    **{
        " and ".join(headers): _framed(*headers)
        for headers in (
            ("Content-Length: {}", "Content-Length: {}"), ("Content-Length: {}, {}",),
            ("Content-Length: -1",), ("Content-Length: +{}",), ("Content-Length: 0x{}",),
            ("Content-Length: ",), ("Content-Length: 000000{}",), ("Content-Length: 0000000000{}",),
            ("Content-Length:  {} \t",), ("CONTENT-LENGTH:{}",), ("Content-Length: {}.0",),
            ("Content-Length: 99999999999999999999999",), ("Content-Length: {};",),
            ("Content-Length: {}", "Transfer-Encoding: chunked"),
        )
    },
    "a length and identity": _then(
        _framed("Content-Length: {}", "Transfer-Encoding: identity"), CLOSE
    ),
    "a body until the end": _then(_framed(), CLOSE),
    "a body until the end that was told": _then(_framed("Connection: close"), CLOSE),
    **{f"a body of {size} bytes": _padded(size) for size in (1024, 1025, 4096, 4097)},
    **{f"a body of {size} bytes": _padded(size) for size in (65535, 65536, 65537, 1_000_000)},
    "chunks with extensions": _chunks(b";a=b"),
    "chunks with a trailer": _chunks(trailers=b"Set-Cookie: t=1\r\n"),
    "chunks with a cookie": _chunks(headers=("Set-Cookie: c=1; Path=/",)),
    "chunks that end it": _then(_chunks(headers=("Connection: close",)), CLOSE),
    "half of the chunks": lambda said: (_chunks()(said)[:60], CLOSE),
    "204 with a length": _status("204 N", body=b"hello"),
    "204 without a length": lambda _: b"HTTP/1.1 204 N\r\n\r\n",
    "204 with two lengths": lambda _: (
        b"HTTP/1.1 204 N\r\n" + b"Content-Length: 0\r\n" * 2 + b"\r\n"
    ),
    "204 with a type": lambda _: b"HTTP/1.1 204 N\r\nContent-Type: text/xml\r\n\r\n",
    "204 with an upgrade": lambda _: b"HTTP/1.1 204 N\r\nUpgrade: h2c\r\n\r\n",
    "204 in chunks": lambda _: b"HTTP/1.1 204 N\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "204 that ends it": lambda _: (b"HTTP/1.1 204 N\r\nConnection: close\r\n\r\n", CLOSE),
    "nothing but white space": _status("200 OK", body=b" \r\n\t"),
    "nothing but a byte order mark": _status("200 OK", body=b"\xef\xbb\xbf"),
    "nothing in chunks": lambda _: _chunks()(answer()),
    "nothing, coded": _status("200 OK", "Content-Encoding: gzip"),
}  # fmt: skip
ORDERS: dict[str, Form] = {
    **{f"cut at {at}": _cut(at) for at in (1, 9, 12, 15, -2, -1)},
    "byte by byte": lambda said: tuple(said[n : n + 1] for n in range(len(said))),
    "interim answers": lambda said: INTERIM * 3 + said,
    "many interim answers": lambda said: INTERIM * 100 + said,
    "too many interim answers": lambda said: INTERIM * 101 + said,
    "an interim answer alone": _then(_line(b"HTTP/1.1 199 X"), CLOSE),
    "an interim answer, and the end": lambda _: (INTERIM, CLOSE),
    "an upgrade": lambda said: (
        b"HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + said
    ),
    "twice": lambda said: said + said,
    "a line after it": lambda said: said + b"\r\n",
    "an end after it": _then(_plain, CLOSE),
    "a reset after it": _then(_plain, RESET),
    "half of it, and the end": lambda said: (said[: len(said) // 2], CLOSE),
    "half of it, and a reset": lambda said: (said[: len(said) // 2], RESET),
    "a byte of it, and the end": lambda said: (said[:1], CLOSE),
    "the end": lambda _: (CLOSE,),
    "a reset": lambda _: (RESET,),
    "HTTP 1.0": _then(_older(), CLOSE),
    "HTTP 1.0 that stays open": _older(),
    "HTTP 1.0 that keeps alive": _older("Connection: Keep-Alive"),
    "HTTP 1.0 with a cookie": _then(_older("Set-Cookie: o=1; Path=/"), CLOSE),
}
CODINGS: dict[str, Form] = {
    **{
        f"{coding!r} of {change.__name__}": _body(change, f"Content-Encoding: {coding}")
        for coding, change in (
            ("gzip", _gzip), ("x-gzip", _gzip), ("GZIP", _gzip),
            ("deflate", zlib.compress), ("deflate", _raw_deflate), ("identity", bytes),
            ("br", bytes), ("gzip", bytes), ("", bytes),
        )
    },
    "gzip, cut": _body(lambda body: _gzip(body)[:-5], "Content-Encoding: gzip"),
    "gzip, and more": _body(lambda body: _gzip(body) + b"x", "Content-Encoding: gzip"),
    "gzip that nobody has told of": _body(_gzip),
}  # fmt: skip
COOKIES: dict[str, Form] = {
    each: _with(f"Set-Cookie: {each}")
    for each in (
        "a=1", "a=1, b=2", 'a="1; 2"; Path="/"', "$Version=1", "a=1; Max-Age=-1", "",
        "a=1; SameSite=Strict; HttpOnly; Path=/acs", "a=1; Path=/acs/sub", "a=1; Path=/acs/",
        "a=1; Domain=.127.0.0.1", "a=\xe4", "a=" + "x" * 5000,
    )
}  # fmt: skip
STATUSES: dict[str, Form] = {
    **{
        f"{status} {'with a body' if body else 'without one'}": _status(f"{status} X", body=body)
        for status in (201, 202, 205, 206, 300, 302, 305, 400, 403, 404, 407, 415, 429, 500, 502)
        for body in (b"", b"<html>no</html>")
    },
    "304": lambda _: b"HTTP/1.1 304 N\r\nContent-Length: 5\r\n\r\n",
    "503 with Retry-After": _status("503 S", "Retry-After: 5"),
    "503 with a cookie": _status("503 S", "Set-Cookie: a=1"),
    "503 in chunks": lambda _: _chunks()(answer("503 S", b"x")),
    "503 that ends it": _then(_status("503 S", "Connection: close"), CLOSE),
    "404 that ends it": _then(_status("404 S", "Connection: close", body=b"x"), CLOSE),
    **{
        f"{status} to {where!r}": _status(f"{status} X", f"Location: {where}")
        for status, where in (
            (301, "/b"), (302, "?x=1"), (303, "b/../c"), (307, "/b#c"), (308, "//127.0.0.1/"),
            (300, "/b"), (302, ""), (302, "ftp://x/"), (302, "https://127.0.0.1/"),
            (302, "http://u:p@127.0.0.1/"), (302, "http://[::1"), (302, "/\xe4"),
        )
    },
    "302 with a cookie": _status("302 F", "Location: /b", "Set-Cookie: r=1; Path=/b"),
    "302, and the end": _then(_status("302 F", "Location: /b"), CLOSE),
    "302, and a reset": _then(_status("302 F", "Location: /b"), RESET),
    "302 in chunks": lambda _: _chunks(headers=("Location: /b",))(answer("302 F", b"x")),
}  # fmt: skip
CHALLENGES: dict[str, Form] = {
    **{
        f"401 {each}": _status("401 U", f"WWW-Authenticate: {each}")
        for each in (
            "Basic", "Negotiate", 'Digest realm="a", nonce="n"', 'Digest nonce="n"', "Digest", "",
            'Digest realm="a", nonce="n", qop="auth-int"', 'Digest realm="a", nonce=""', "=,,;",
            'Digest realm="a", nonce="n", qop="auth,auth-int", opaque="o"',
            'Digest realm="a", nonce="n", qop="auth", algorithm=MD5-sess',
            'Digest realm="a", nonce="n", qop="auth", algorithm=SHA-256',
            'Digest realm="a", nonce="n", algorithm=FOO', "digest REALM=a,NONCE=n,QOP=auth",
            'Digest realm="a", nonce="n", qop="auth", stale=true',
            'Digest realm="a\\"b", nonce="n"', 'Basic realm="a", Digest realm="a", nonce="n"',
        )
    },
    "401 with a body and a cookie": _status("401 U", "Set-Cookie: a=1", CHALLENGE, body=b"who?"),
    "401, and the end": _then(_status("401 U", CHALLENGE), CLOSE),
    "401, and a reset": _then(_status("401 U", CHALLENGE), RESET),
    "401 that ends it": _then(_status("401 U", CHALLENGE, "Connection: close"), CLOSE),
    "401 in chunks": lambda _: _chunks(headers=(CHALLENGE,))(answer("401 U", b"x")),
}  # fmt: skip
ENVELOPES: dict[str, Form] = {
    "a byte order mark": _body(lambda body: b"\xef\xbb\xbf" + body),
    "UTF-16": _body(
        lambda body: body.decode().replace("UTF-8", "UTF-16").encode("utf-16")
    ),
    "another encoding": _replaced(rb"UTF-8", b"iso-8859-1"),
    "no declaration": _replaced(rb"<\?xml.*?\?>\s*", b""),
    "a document type": _replaced(rb"\?>", rb'?><!DOCTYPE x [<!ENTITY e "1">]>'),
    "a comment before": _replaced(rb"\?>", rb"?><!-- c -->"),
    "a comment in it": _replaced(rb"<cwmp:", b"<!-- c --><cwmp:"),
    "a comment after": _body(lambda body: body + b"<!-- c -->"),
    "an instruction": _body(lambda body: body + b"<?x y?>"),
    "lines": _replaced(rb"><", b">\r\n  <"),
    "a line before": _body(lambda body: b"\n" + body),
    "more after": _body(lambda body: body + b"x"),
    "NUL after": _body(lambda body: body + b"\0"),
    "two of them": _body(lambda body: body + body),
    "no end": _body(lambda body: body[:-3]),
    **{
        f"namespace {each.decode()}": _replaced(rb"cwmp-1-2", each)
        for each in (b"cwmp-1-0", b"cwmp-1-3", b"cwmp-1-9", b"cwmp-2-0", b"other")
    },
    "other prefixes": _replaced(rb"cwmp(?=[:=])|soap-env(?=[:=])", rb"x\g<0>"),
    "SOAP 1.2": _replaced(rb"schemas.xmlsoap.org/soap/envelope/", b"www.w3.org/2003/05/soap"),
    **{
        f"cwmp:ID {each!r}": _replaced(rb">[^<]*</cwmp:ID>", b">" + each + b"</cwmp:ID>")
        for each in (b" 1 ", b"01", b"", b"<![CDATA[1]]>", b"&#49;", b"abc", b"1<!-- -->")
    },
    "no cwmp:ID": _replaced(rb"<cwmp:ID.*?</cwmp:ID>", b""),
    "no header": _replaced(rb"<soap-env:Header>.*?</soap-env:Header>", b""),
    **{
        f"with {each.decode()}": _replaced(rb"</cwmp:ID>", rb"\g<0>" + each)
        for each in (
            b"<cwmp:HoldRequests>true</cwmp:HoldRequests>", b"<cwmp:HoldRequests/>",
            b"<cwmp:HoldRequests>x</cwmp:HoldRequests>",
            b"<cwmp:NoMoreRequests>1</cwmp:NoMoreRequests>",
            b"<cwmp:SessionTimeout>5</cwmp:SessionTimeout>",
            b'<o:y xmlns:o="u" soap-env:mustUnderstand="1"/>',
        )
    },
    **{
        f"MaxEnvelopes {each!r}": _replaced(rb"<MaxEnvelopes>.*?</MaxEnvelopes>", each)
        for each in (
            b"<MaxEnvelopes>2</MaxEnvelopes>", b"<MaxEnvelopes> 1 </MaxEnvelopes>",
            b"<MaxEnvelopes/>", b"<MaxEnvelopes>a</MaxEnvelopes>", b"", b"<X>1</X>",
            b"<MaxEnvelopes><![CDATA[1]]></MaxEnvelopes>",
            b'<MaxEnvelopes xsi:type="xsd:unsignedInt">1</MaxEnvelopes>',
        )
    },
}  # fmt: skip
KINDS: dict[str, dict[str, Form]] = {
    "heads": HEADS,
    "lengths": LENGTHS,
    "orders": ORDERS,
    "codings": CODINGS,
    "cookies": COOKIES,
    "statuses": STATUSES,
    "challenges": CHALLENGES,
    "envelopes": ENVELOPES,
}
FORMS: dict[str, Form] = {name: form for kind in KINDS.values() for name, form in kind.items()}
"""All of them."""

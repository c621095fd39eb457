"""Answers of servers, nearly all of which are wrong in one place or not at all."""

from __future__ import annotations

from hypothesis import strategies as st

_LINES = st.sampled_from(
    [
        "HTTP/1.1 200 OK", "HTTP/1.1 204 No Content", "HTTP/1.1 401", "HTTP/1.1 304 Not Modified",
        "HTTP/1.1 100 Continue", "HTTP/1.0 200 OK", "HTTP/1.1 2000", "HTTP/1.1  200", "http/1.1 2",
        "HTTP/1.1 200 ", "HTTP/1.1 200\tOK", "HTTP/1.1 600 X", "HTTP/1.1 200 \xe9", "",
    ]
)  # fmt: skip
_NAMES = st.sampled_from(
    [
        "Content-Length", "content-length", "Connection", "Transfer-Encoding", "Upgrade", "X",
        "Set-Cookie", "Content-Encoding", "Content-Lengt", "Content_Length", "", " X", "X ", "\xe9",
    ]
)  # fmt: skip
_VALUES = st.sampled_from(
    [
        "0", "1", "3", "003", "65536", "65537", "999999999", "1000000000", "-1", "+1", "1 1", "0x1",
        "close", "Close", "keep-alive", "Keep-Alive", "close, x", "chunked", "identity", "gzip", "",
        " ", "\t", " x ", "\t\tx\t ", "x\ty", "x\x00", "\x7f", "\xff", "x" * 2000, "a\rb", "a\nb",
    ]
)  # fmt: skip
_HEADERS = st.lists(
    st.tuples(_NAMES, st.sampled_from([":", ": ", ":\t", " : ", ""]), _VALUES), max_size=5
)
_ENDS = st.sampled_from(["\r\n", "\n", "\r", "\r\n\r\n", "\r\r\n", "\n\r\n"])
_BODIES = st.one_of(st.binary(max_size=5), st.sampled_from([b"abc", b"x" * 65536, b"x" * 65537]))


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """Answers, nearly all of which are wrong in one place or not at all."""
    usual = st.one_of(st.just("\r\n"), st.just("\r\n"), st.just("\r\n"), _ENDS)
    headers = [f"{name}{colon}{value}" for name, colon, value in draw(_HEADERS)]
    lines = [draw(_LINES), *headers]
    head = "".join(line + draw(usual) for line in lines) + draw(usual)
    return head.encode("latin-1") + draw(_BODIES)

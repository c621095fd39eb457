"""
Reading requests whose heads are known (decision 0014).

The requests that a server gets are much alike: their heads differ in a few *values*, the request
target, Content-Length, Cookie and Authorization. The rest is the same bytes again and again. Once
such a head is known, the environ of a request with it is made without the parser, and is what the
parser would give.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from caretaker.http.wsgi_environ import target_environ
from caretaker.plain_numbers import is_digits
from caretaker.text_template import TextTemplate

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

MAX_HEAD = 2048
"""Characters of a known head; the parser reads longer ones."""
MAX_FIELDS = 50
"""Headers of it, likewise."""
MAX_HEADS = 8
"""Known heads; another takes the place of the one that was used least."""
MAX_SEEN = 64
"""Heads that were seen, but are not known; beyond them learning begins anew."""
EVERY = 8
"""Of the unknown heads each eighth is looked at, so that ever new ones cost little."""

_TARGET, _LENGTH = "REQUEST_URI", "CONTENT_LENGTH"
_FIELD = re.compile(
    r"(?<=\r\n)((?:content-length|cookie|authorization): )([^\r\n]+)(?=\r\n)", re.IGNORECASE
)
"""A header whose value is none of the bytes that are known."""
_KEYS = {"content-length: ": _LENGTH, "cookie: ": "HTTP_COOKIE",
         "authorization: ": "HTTP_AUTHORIZATION"}  # fmt: skip
_MARKS = {_TARGET: "/0"}
"""What stands for a value while a head is learned, where it is not ``0``."""
_MAX_DIGITS = 9


class WholeRequest(NamedTuple):
    """A request that has come with all of its body, as the parser reads it."""

    environ: WSGIEnvironment
    body: bytes
    keep_alive: bool


class _Head:
    """One known head: its template, the environ's keys for the values, and the rest of it."""

    __slots__ = (
        "_common",
        "_environ",
        "_keys",
        "_own",
        "_target",
        "keep_alive",
        "template",
        "used",
    )

    def __init__(self, parts: tuple[str, ...], keys: list[str], marked: WholeRequest) -> None:
        self.template = TextTemplate(parts)
        self.keep_alive = marked.keep_alive
        self.used = 0
        self._keys = tuple(keys[1:])
        self._own = {n: v for n, v in marked.environ.items() if n not in keys}
        self._environ: WSGIEnvironment = {}
        """The environ of the last request without the other values, made of these two."""
        self._common: WSGIEnvironment = {}
        self._target = ""

    def request(
        self, values: list[str], data: bytes, end: int, common: WSGIEnvironment
    ) -> WholeRequest | None:
        """The request with these values; None if the parser must judge one, or it is not whole."""
        if (values[0] != self._target or common is not self._common) and not self._fit(
            values[0], common
        ):
            return None
        environ = self._environ.copy()
        length = 0
        for at, key in enumerate(self._keys, 1):
            value = values[at]
            if key == _LENGTH:
                if not is_digits(value) or len(value) > _MAX_DIGITS:
                    return None
                length = int(value)
            elif not _is_plain(value):
                return None
            environ[key] = value
        body = data[end:]
        return WholeRequest(environ, body, self.keep_alive) if len(body) == length else None

    def _fit(self, target: str, common: WSGIEnvironment) -> bool:
        """Have the environ of this target and connection at hand; False for an odd target."""
        if not _is_plain(target) or target[0] != "/" or "#" in target:
            return False
        self._environ = {**common, **self._own, **target_environ(target.encode())}
        self._common, self._target = common, target
        return True


def _is_plain(value: str) -> bool:
    """Whether this is printable ASCII without space around it, which any parser reads as it is."""
    if not value.isascii() or not value.isprintable():
        return False
    return value != "" and value[0] != " " and value[-1] != " "


class KnownHeads:
    """
    Reads requests, and learns their heads.

    Args:
        parse: reads the head of a request without a body; None if it is no whole request.
    """

    def __init__(self, parse: Callable[[bytes], WholeRequest | None]) -> None:
        self._parse = parse
        self._heads: list[_Head] = []
        self._unknown = 0
        self._seen: dict[tuple[str, ...], bool] = {}
        """Heads without their values, and whether they were tried."""

    def read(self, data: bytes, common: WSGIEnvironment) -> WholeRequest | None:
        """
        The request that these bytes are; None leaves them to the parser.

        Args:
            data: as they came, where a request begins.
            common: the part of the environ that all requests of the connection share.
        """
        text = data[:MAX_HEAD].decode("latin-1")
        for head in self._heads:
            found = head.template.read(text)
            if found is not None:
                head.used += 1
                values, end = found
                return head.request(values, data, end, common)
        self._unknown += 1
        if self._unknown % EVERY == 0:
            self._look(text)
        return None

    def _look(self, text: str) -> None:
        """Learn a head when it is seen for the second time."""
        before, end, _ = text.partition("\r\n\r\n")
        parts, keys = _split(f"{before}{end}")
        if not end or not keys or before.count("\r\n") > MAX_FIELDS:
            return
        if parts not in self._seen:
            if len(self._seen) >= MAX_SEEN:
                self._seen.clear()
            self._seen[parts] = False
        elif not self._seen[parts]:
            self._seen[parts] = True
            self._learn(parts, keys)

    def _learn(self, parts: tuple[str, ...], keys: list[str]) -> None:
        marks = [_MARKS.get(key, "0") for key in keys]
        texts = [text for pair in zip(parts, [*marks, ""], strict=True) for text in pair]
        marked = self._parse("".join(texts).encode("latin-1"))
        # A header that stands there twice, or goes on in the next line, shows no mark.
        if marked is None or [marked.environ.get(key) for key in keys] != marks:
            return
        if len(self._heads) >= MAX_HEADS:
            self._heads.remove(min(self._heads, key=lambda head: head.used))
            for head in self._heads:
                head.used = 0
        self._heads.append(_Head(parts, keys, marked))


def _split(head: str) -> tuple[tuple[str, ...], list[str]]:
    """What stands around the values of a head, and their keys; no keys if it can't be known."""
    method, _, rest = head.partition(" ")
    target, _, rest = rest.partition(" ")
    if method not in ("GET", "POST") or not target.startswith("/"):
        return (), []
    pieces = _FIELD.split(f" {rest}")
    names = pieces[1::3]
    starts = zip(pieces[::3], [*names, ""], strict=True)
    parts = (f"{method} ", *(f"{text}{name}" for text, name in starts))
    return parts, [_TARGET, *(_KEYS[name.lower()] for name in names)]

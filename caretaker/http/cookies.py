"""Cookies (RFC 6265), as far as a CWMP session needs them (TR-069 3.4.2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from caretaker.plain_numbers import is_digits

MAX_COOKIES = 50
"""Of one session; further ones are not kept."""
MAX_COOKIE_BYTES = 4096
"""Of name, value and attributes (RFC 6265 6.1); longer ones are not kept."""

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""What no cookie may have (RFC 6265 5.2); a carriage return could begin a header of its own."""


_Cookie = tuple[str, bool]
"""A value, and whether it is for https only."""


class CookieJar:
    """The cookies of one session with one host (TR-069 3.4.2, RFC 6265)."""

    __slots__ = ("_cookies",)

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str], _Cookie] = {}

    def take(self, header: str, host: str = "", target: str = "/") -> None:
        """
        Set a cookie from a ``Set-Cookie`` header; an expired one is removed.

        Args:
            header: the value of the header.
            host: that sent it; a cookie for another domain is not taken.
            target: of the request that it answers; the cookie's path, if it has none of its own.
        """
        if len(header) > MAX_COOKIE_BYTES or _CONTROL.search(header):
            return
        pair, _, attributes = header.partition(";")
        name, equals, value = pair.partition("=")
        known = _attributes(attributes)
        path = known.get("path", "")
        key = (name.strip(), path if path.startswith("/") else _directory(target))
        if not equals or not key[0] or not _is_for(host, known.get("domain", "")):
            return
        if _has_expired(known):
            self._cookies.pop(key, None)
        elif len(self._cookies) < MAX_COOKIES or key in self._cookies:
            self._cookies[key] = (value.strip(), "secure" in known)

    def header(self, target: str, scheme: str = "https") -> str:
        """The value of the ``Cookie`` header for a target, empty if there are none."""
        path = target.partition("?")[0]
        cookies = [
            (cookie_path, name, value)
            for (name, cookie_path), (value, is_secure) in self._cookies.items()
            if _path_matches(cookie_path, path) and (scheme == "https" or not is_secure)
        ]
        cookies.sort(key=lambda cookie: -len(cookie[0]))
        return "; ".join(f"{name}={value}" for _, name, value in cookies)


# -- a session with the cookies of one response ---------------------------------------------------

_PLAIN_COOKIE = re.compile(r"([!-:<>-~]+)=([!-:<-~]*)(?:;(.*))?")
_MOST_PLAIN = 8
"""Cookies of a response, as in the I/O engine; further ones are for a jar."""
_Kinds = tuple[tuple[str, str], ...]
"""The names and attributes of the cookies of a response."""


def only_cookies(headers: Sequence[str], host: str, target: str, scheme: str) -> str | None:
    """
    As ``header`` of a jar that has taken these ``Set-Cookie`` headers, and no others.

    Which cookies are sent, and in which order, depends on all but their values, and is kept.

    Returns:
        None where a jar must tell: of what is oddly written, and of what expires at a time.
    """
    plain = _plain(headers)
    if plain is None:
        return None
    kinds, values = plain
    sent = _sent(kinds, host, target, scheme)
    return None if sent is None else "; ".join([f"{name}={values[at]}" for name, at in sent])


def sent_cookies(headers: Sequence[str], host: str, target: str, scheme: str) -> bytes | None:
    """The numbers of the headers whose cookies ``only_cookies`` gives, in order; None as there."""
    plain = _plain(headers)
    sent = None if plain is None else _sent(plain[0], host, target, scheme)
    return None if sent is None else bytes([number for _, number in sent])


def _plain(headers: Sequence[str]) -> tuple[_Kinds, list[str]] | None:
    """The kinds and the values of cookies; None if any is oddly written."""
    if len(headers) > _MOST_PLAIN:
        return None
    kinds, values = [], []
    for header in headers:
        cookie = _PLAIN_COOKIE.fullmatch(header)
        if cookie is None or len(header) > MAX_COOKIE_BYTES:
            return None
        name, value, attributes = cookie.groups("")
        kinds.append((name, attributes))
        values.append(value)
    return tuple(kinds), values


@lru_cache(64)
def _sent(
    kinds: _Kinds, host: str, target: str, scheme: str
) -> list[tuple[str, int]] | None:  # fmt: skip
    """Which cookies with these names and attributes are sent, in order; None if it may change."""
    jar = CookieJar()
    for number, (name, attributes) in enumerate(kinds):
        if "expires" in _attributes(attributes):
            return None
        jar.take(f"{name}={number};{attributes}", host, target)
    header = jar.header(target, scheme)
    pairs = [pair.partition("=") for pair in header.split("; ")] if header else []
    return [(name, int(number)) for name, _, number in pairs]


# -- attributes -----------------------------------------------------------------------------------


@lru_cache(64)  # a server gives all cookies the same
def _attributes(text: str) -> dict[str, str]:
    """The attributes of a cookie, by their names in lower case."""
    parts = [attribute.partition("=") for attribute in text.split(";")]
    return {name.strip().lower(): value.strip() for name, _, value in parts}


def _directory(target: str) -> str:
    """The path of a cookie that has none: the directory of the request's (RFC 6265 5.1.4)."""
    directory = target.partition("?")[0].rpartition("/")[0]
    return directory if directory.startswith("/") else "/"


def _is_for(host: str, domain: str) -> bool:
    """Whether a host may set a cookie for a domain: its own, or one above (RFC 6265 5.1.3)."""
    domain = domain.removeprefix(".").lower()
    is_address = ":" in host or is_digits(host.replace(".", ""))
    return domain in ("", host.lower()) or (not is_address and host.lower().endswith(f".{domain}"))


def _has_expired(attributes: dict[str, str]) -> bool:
    """Whether a cookie has expired, by Max-Age or else by Expires (RFC 6265 5.3)."""
    age = attributes.get("max-age", "")
    if re.fullmatch(r"-?[0-9]{1,18}", age, re.ASCII):
        return int(age) <= 0
    if "expires" not in attributes:
        return False
    try:
        moment = parsedate_to_datetime(attributes["expires"].replace("-", " "))
    except (TypeError, ValueError, OverflowError):
        return False
    return moment.replace(tzinfo=moment.tzinfo or UTC) <= datetime.now(UTC)


def _path_matches(cookie_path: str, path: str) -> bool:
    """Whether a request for this path gets the cookie (RFC 6265 5.1.4)."""
    prefix = cookie_path if cookie_path.endswith("/") else f"{cookie_path}/"
    return path == cookie_path or path.startswith(prefix)

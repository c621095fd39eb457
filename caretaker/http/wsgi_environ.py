"""What the WSGI environ says of a request's head (PEP 3333)."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

ENVIRON = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.multithread": False,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}
"""The part of the WSGI environ that is the same for all requests."""
_ORIGIN = re.compile(r"https?://[^/?]*", re.IGNORECASE)

_MAX_KEPT = 256
"""Longer names of headers and request targets are not kept; a client can make any number."""


def environ_key(name: bytes) -> str:
    """
    The environ's key for a header; empty for a name that could be mistaken for another's.

    Raises:
        ValueError: there is a space before the colon (RFC 7230 3.2.4: to be refused).
    """
    return _known_environ_key(name) if len(name) <= _MAX_KEPT else _new_environ_key(name)


def _new_environ_key(name: bytes) -> str:
    if name.endswith((b" ", b"\t")):
        raise ValueError("space before the colon of a header")
    key = name.decode("latin-1").upper().replace("-", "_")
    if b"_" in name:
        return ""
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


_known_environ_key = lru_cache(1024)(_new_environ_key)


def target_environ(url: bytes) -> dict[str, str]:
    """The environ's keys for a request target; an absolute URL loses its origin."""
    return _known_target_environ(url) if len(url) <= _MAX_KEPT else _new_target_environ(url)


def _new_target_environ(url: bytes) -> dict[str, str]:
    target = url.decode("latin-1")
    if not target.startswith("/"):
        target = _ORIGIN.sub("", target)
        target = target if target.startswith(("/", "*")) else f"/{target}"
    path, _, query = target.partition("?")
    decoded = unquote_to_bytes(path.encode("latin-1")).decode("latin-1")  # as PEP 3333 has it
    return {"REQUEST_URI": target, "PATH_INFO": decoded, "QUERY_STRING": query}


_known_target_environ = lru_cache(1024)(_new_target_environ)

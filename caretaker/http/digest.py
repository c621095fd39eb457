"""Digest (RFC 2617 3.2): the fields of its headers, its hashes, and the answers to a challenge."""

from __future__ import annotations

import hashlib
import re
import secrets
from functools import lru_cache

from caretaker.http.credentials import Credentials

CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""An answer would repeat it: a carriage return in a nonce could begin a header of its own."""
Fields = dict[str, str | None]
"""The fields of an Authorization or WWW-Authenticate header by their names in lower case."""


def plain_fields(header: str) -> Fields | None:
    """
    The fields of a Digest header in the form in which all send it; None leaves it to werkzeug.

    werkzeug reads a header character by character, which costs more than all else of a Connection
    Request.
    """
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "digest" or not rest.isascii() or not rest.isprintable():
        return None
    if "\\" in rest:
        return None
    fields: Fields = {}
    for item in rest.split(", "):
        name, _, text = item.partition("=")
        value = text
        if text.startswith('"'):
            value = text[1:-1]
            if len(text) == 1 or text[-1] != '"' or '"' in value:
                return None
        elif not text.replace("-", "").isalnum():
            return None
        if not name.isalpha():
            return None
        fields[name.lower()] = value
    return fields


def md5(text: str) -> str:
    """The digits of a hash; TR-069 3.4.5 prescribes Digest with MD5, weak as it is today."""
    data = text.encode("utf-8", "surrogatepass")
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@lru_cache(64)
def request_hash(method: str, target: str) -> str:
    """H(A2) of a request without a body that is protected (RFC 2617 3.2.2.3)."""
    return md5(f"{method}:{target}")


class DigestAnswers:
    """
    The answers to one challenge, for as long as its nonce is used.

    ``nc`` counts the uses of the nonce from 1; each challenge gets a new cnonce (TR-069 3.4.5).

    Args:
        challenge: the fields of one that can be answered.
        credentials: of the client.
    """

    __slots__ = (
        "_beginning", "_credentials", "_fields", "_has_qop", "_is_sess", "_nonce", "_secret",
        "_target", "_uses", "cnonce",
    )  # fmt: skip

    def __init__(self, challenge: Fields, credentials: Credentials) -> None:
        self.cnonce = secrets.token_hex(8)
        self._fields = challenge
        self._nonce = challenge.get("nonce") or ""
        self._credentials = credentials
        self._has_qop = bool(challenge.get("qop"))
        self._is_sess = (challenge.get("algorithm") or "").upper() == "MD5-SESS"
        self._uses = 0
        self._target: str | None = None
        self._secret = ""
        """H(A1)."""
        self._beginning = ""
        """Of the header for this target: what each use of the nonce says again."""

    def header(self, method: str, target: str) -> str:
        """The value of the Authorization header for the next request."""
        if target != self._target:
            self._begin(target)
        self._uses += 1
        nonce, of_use = self._nonce, ""
        if self._has_qop:
            of_use = f", nc={self._uses:08x}"
            nonce = f"{nonce}:{self._uses:08x}:{self.cnonce}:auth"
        if self._has_qop or self._is_sess:
            of_use = f'{of_use}, cnonce="{self.cnonce}"'
        response = md5(f"{self._secret}:{nonce}:{request_hash(method, target)}")
        return f'{self._beginning}{of_use}, response="{response}"'

    def _begin(self, target: str) -> None:
        username, password = self._credentials
        get = self._fields.get
        realm, algorithm, opaque = get("realm") or "", get("algorithm"), get("opaque")
        self._target = target
        self._secret = md5(f"{username}:{realm}:{password}")
        if self._is_sess:
            self._secret = md5(f"{self._secret}:{self._nonce}:{self.cnonce}")
        fields = [
            f"username={_quoted(username)}, realm={_quoted(realm)}, nonce={_quoted(self._nonce)}",
            f"uri={_quoted(target)}",
            *([] if algorithm is None else [f"algorithm={algorithm}"]),
            *([] if opaque is None else [f"opaque={_quoted(opaque)}"]),
            *(["qop=auth"] if self._has_qop else []),
        ]
        self._beginning = f"Digest {', '.join(fields)}"


def _quoted(value: str) -> str:
    value = CONTROL.sub("", value)  # of a username, which an ACS may have set
    value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'

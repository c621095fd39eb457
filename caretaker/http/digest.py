"""Digest (RFC 2617 3.2): the fields of its headers, its hashes, and the answers to a challenge."""

from __future__ import annotations

import hashlib
import re
import secrets
from functools import lru_cache

from caretaker.http.credentials import Credentials
from caretaker.http.logins import Login

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
    if '",' in rest and '", ' not in rest:  # as of GenieACS
        rest = rest.replace('",', '", ')
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


class DigestForm:
    """
    What the challenges of a server have in common: all but their nonces.

    Args:
        challenge: the fields of one that can be answered.
    """

    __slots__ = (
        "_after_nonce", "_algorithm", "_opaque", "_target", "has_qop", "is_sess", "quoted_realm",
        "realm",
    )  # fmt: skip

    def __init__(self, challenge: Fields) -> None:
        self.realm = challenge.get("realm") or ""
        self.quoted_realm = _quoted(self.realm)
        self.has_qop = bool(challenge.get("qop"))
        self._algorithm, self._opaque = challenge.get("algorithm"), challenge.get("opaque")
        self.is_sess = (self._algorithm or "").upper() == "MD5-SESS"
        self._target: str | None = None
        self._after_nonce = ""

    def after_nonce(self, target: str) -> str:
        """What an answer for this target says after the nonce, whichever that is."""
        if target != self._target:
            algorithm, opaque = self._algorithm, self._opaque
            fields = [
                f"uri={_quoted(target)}",
                *([] if algorithm is None else [f"algorithm={algorithm}"]),
                *([] if opaque is None else [f"opaque={_quoted(opaque)}"]),
                *(["qop=auth"] if self.has_qop else []),
            ]
            self._target, self._after_nonce = target, ", ".join(fields)
        return self._after_nonce


class DigestAnswers(Login):
    """
    The answers to one challenge, for as long as its nonce is used.

    ``nc`` counts the uses of the nonce from 1; each challenge gets a new cnonce (TR-069 3.4.5).

    Args:
        form: of the challenge.
        nonce: of the challenge.
        credentials: of the client.
    """

    __slots__ = (
        "_beginning",
        "_form",
        "_nonce",
        "_secret",
        "_target",
        "cnonce",
    )

    def __init__(self, form: DigestForm, nonce: str, credentials: Credentials) -> None:
        super().__init__(credentials)
        self.cnonce = secrets.token_hex(8)
        self._form = form
        self._nonce = nonce
        self._target: str | None = None
        self._secret = ""
        """H(A1)."""
        self._beginning = ""
        """Of the header for this target: what each use of the nonce says again."""

    def header(self, method: str, target: str) -> str:
        """The value of the Authorization header for the next request."""
        if target != self._target:
            self._begin(target)
        form = self._form
        self.uses += 1
        nonce, of_use = self._nonce, ""
        if form.has_qop:
            count = f"{self.uses:08x}"
            of_use = f", nc={count}"
            nonce = f"{nonce}:{count}:{self.cnonce}:auth"
        if form.has_qop or form.is_sess:
            of_use = f'{of_use}, cnonce="{self.cnonce}"'
        response = md5(f"{self._secret}:{nonce}:{request_hash(method, target)}")
        return f'{self._beginning}{of_use}, response="{response}"'

    def _begin(self, target: str) -> None:
        username, password = self.credentials
        form, nonce = self._form, self._nonce
        self._target = target
        self._secret = md5(f"{username}:{form.realm}:{password}")
        if form.is_sess:
            self._secret = md5(f"{self._secret}:{nonce}:{self.cnonce}")
        self._beginning = (
            f"Digest username={_quoted(username)}, realm={form.quoted_realm}, "
            f"nonce={_quoted(nonce)}, {form.after_nonce(target)}"
        )


def _quoted(value: str) -> str:
    if not value.isprintable():
        value = CONTROL.sub("", value)  # of a username, which an ACS may have set
    if "\\" in value or '"' in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'

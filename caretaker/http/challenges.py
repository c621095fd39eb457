"""The challenges of a 401: ``WWW-Authenticate`` headers (RFC 7235 4.1)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from werkzeug.datastructures import WWWAuthenticate

from caretaker.http.digest import CONTROL, DigestForm, Fields, plain_fields
from caretaker.http.response_parser import PlainHead, plain_head

MAX_CHALLENGES = 16
"""Challenges that are looked at in one 401; the rest is ignored."""
MAX_CHALLENGE_BYTES = 8 * 1024
"""Longer ``WWW-Authenticate`` and ``Authorization`` headers are ignored."""

_SCHEME = re.compile(
    r"(?:^|,)\s*(?=(?:Digest|Basic|Bearer|Negotiate|NTLM)(?:\s|$|,))", re.IGNORECASE
)
_ALGORITHMS = ("MD5", "MD5-SESS")


class Challenge(NamedTuple):
    """
    One challenge of a server.

    Args:
        scheme: in lower case.
        fields: by their names in lower case.
    """

    scheme: str
    fields: Fields

    def get(self, name: str) -> str:
        """A field; empty if it is not there."""
        return self.fields.get(name) or ""

    @property
    def is_answerable(self) -> bool:
        """Whether this is Digest with MD5 or MD5-sess, and without qop or with qop=auth."""
        if self.scheme != "digest" or not self.get("nonce"):
            return False
        qops = [qop.strip().lower() for qop in (self.get("qop") or "auth").split(",")]
        return "auth" in qops and (self.get("algorithm") or "MD5").upper() in _ALGORITHMS

    def __str__(self) -> str:
        """The scheme, with what is unusual in it."""
        unusual = [
            value
            for name, usual in (("algorithm", "MD5"), ("qop", "auth"))
            if (value := self.get(name)) and value.upper() != usual.upper()
        ]
        scheme = self.scheme.capitalize()
        return f"{scheme} with {', '.join(unusual)}" if unusual else scheme


def challenges_of(header: str) -> list[Challenge]:
    """The challenges of a header, which may have several, separated by commas."""
    if len(header) > MAX_CHALLENGE_BYTES:
        return []
    fields = plain_fields(header)  # of nearly all servers
    if fields is not None:
        return [Challenge("digest", fields)]
    return challenges_of_any_form(header)


def challenges_of_any_form(header: str) -> list[Challenge]:
    """As ``challenges_of``; slower."""
    if CONTROL.search(header):
        return []
    pieces = _SCHEME.split(header.replace("\t", " "), MAX_CHALLENGES)
    parts = [part.strip().rstrip(",") for part in pieces if part.strip(" ,")]
    return [
        Challenge(found.type, {name.lower(): value for name, value in found.parameters.items()})
        for found in map(WWWAuthenticate.from_header, parts)
        if found is not None
    ]


# -- a 401 with one challenge ---------------------------------------------------------------------

_NONCE = re.compile(rb"[!#-+\--\[\]-~]+")
"""Of the usual form: no space, quote, comma or backslash, which a header is split at."""
_MARKED = 'nonce="0"'


@lru_cache(64)  # such heads differ in their dates alone
def asks_for_basic(head: bytes) -> bool:
    """Whether the head of a 401 has one challenge, of Basic, and sets no cookies."""
    found = _only_one(plain_head(head))
    return found is not None and found[1].scheme == "basic"


def only_challenge(head: bytes) -> tuple[DigestForm, str] | None:
    """
    The form and the nonce of the challenge of a 401 that has no other, and sets no cookies.

    All but the nonce of such a head is as in most others of the server, and is kept.

    Args:
        head: in the plain form, without the empty line that ends it.

    Returns:
        None where ``challenges_of`` must tell, and where nothing can be answered.
    """
    before, _, rest = head.partition(b'nonce="')
    nonce, _, after = rest.partition(b'"')
    if not _NONCE.fullmatch(nonce):
        return None
    form = _form_around(before, after)
    return None if form is None else (form, nonce.decode())


@lru_cache(64)
def _form_around(before: bytes, after: bytes) -> DigestForm | None:
    """The form of the one challenge of a head with a nonce in between; None of any other head."""
    parts = None if b'nonce="' in after else plain_head(b'%bnonce="0"%b' % (before, after))
    found = _only_one(parts)
    if found is None or not found[1].is_answerable:
        return None
    header, challenge = found
    # The nonce of this challenge, and not one that looks so in another header or another field.
    is_its_nonce = challenge.get("nonce") == "0" and _MARKED in header
    is_alone = header.lower().count("nonce=") == 1
    return DigestForm(challenge.fields) if is_its_nonce and is_alone else None


def _only_one(parts: PlainHead | None) -> tuple[str, Challenge] | None:
    """The one challenge of a plain head of a 401 that sets no cookies, and its header."""
    if parts is None or parts[0] != 401 or any(name == "set-cookie" for name, _ in parts[1]):
        return None
    values = [value for name, value in parts[1] if name == "www-authenticate"]
    found = challenges_of(values[0]) if len(values) == 1 else []
    return (values[0], found[0]) if len(found) == 1 else None

"""
HTTP authentication, both sides (RFC 2617 as TR-069 3.4.4, 3.4.5 and 3.2.2 use it).

``DigestVerifier`` is the side that challenges: the Connection Request server and the embedded ACS.
``HTTPAuth`` is the side that answers, without I/O; ``caretaker.http.client`` sends its answers.
werkzeug reads and writes the headers.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import urlsplit

from werkzeug.datastructures import Authorization

from caretaker.errors import AuthenticationError
from caretaker.http.challenges import (
    MAX_CHALLENGE_BYTES,
    MAX_CHALLENGES,
    Challenge,
    challenges_of,
)
from caretaker.http.credentials import BasicCredentials, Credentials, OldDigestCredentials
from caretaker.http.digest import DigestAnswers, DigestForm, Fields, md5, plain_fields, request_hash
from caretaker.http.logins import BasicLogin, Login
from caretaker.quoting import quoted


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _response(fields: Fields, password: str, method: str) -> str:
    """The ``response`` field that belongs to these fields and this password (RFC 2617 3.2.2.1)."""
    get = fields.get
    a1 = md5(f"{get('username')}:{get('realm')}:{password}")
    if (get("algorithm") or "").upper() == "MD5-SESS":
        a1 = md5(f"{a1}:{get('nonce')}:{get('cnonce')}")
    a2 = request_hash(method, get("uri") or "")
    if get("qop"):
        middle = f"{get('nonce')}:{get('nc')}:{get('cnonce')}:{get('qop')}"
    else:
        middle = f"{get('nonce')}"
    return md5(f"{a1}:{middle}:{a2}")


# -- the side that challenges ---------------------------------------------------------------------

MAX_NONCES = 10_000
_NC = re.compile(r"[0-9A-Fa-f]{1,8}")


@dataclass
class DigestVerifier:
    """
    Checks the Authorization of requests.

    A nonce is a signed time, so an unused one needs no memory. A used nonce is kept with its
    highest ``nc``, which must rise. Beyond ``max_nonces`` the oldest is forgotten; all nonces of
    that age are stale from then on. Nonces are not bound to connections.

    Args:
        realm: named in challenges.
        clock: monotonic, in seconds.
        nonce_seconds: how long a nonce is valid.
        allow_basic: whether Basic is offered and accepted beside Digest.
        max_nonces: the number of used nonces that are kept.
    """

    realm: str
    clock: Callable[[], float]
    nonce_seconds: float = 60.0
    allow_basic: bool = False
    max_nonces: int = MAX_NONCES
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(16), repr=False)
    _used: OrderedDict[str, int] = field(default_factory=OrderedDict, repr=False)
    _oldest: float = 0.0

    def check(
        self, credentials: Credentials, method: str, target: str, header: str | None
    ) -> list[str]:
        """
        The challenges to answer with (``WWW-Authenticate`` values); none if the request is good.

        Args:
            credentials: that the request must show; their class says by which scheme.
            method: of the request.
            target: its request target, path with query.
            header: the value of its Authorization header, None without one.
        """
        given = _parse(header)
        only_basic = isinstance(credentials, BasicCredentials)
        if given is not None and given.type == "basic" and (self.allow_basic or only_basic):
            shown = Credentials(given.username or "", given.password or "")
            return [] if _same(shown, credentials) else self._challenges(credentials)
        if given is None or given.type != "digest" or only_basic:
            return self._challenges(credentials)
        if not self._is_answer(given.parameters, credentials, method, target):
            return self._challenges(credentials)
        return [] if self._is_fresh(given.parameters) else self._challenges(credentials, stale=True)

    def _challenges(self, credentials: Credentials, *, stale: bool = False) -> list[str]:
        basic = f'Basic realm="{self.realm}"'
        if isinstance(credentials, BasicCredentials):
            return [basic]
        qop = "" if isinstance(credentials, OldDigestCredentials) else ' qop="auth",'
        digest = (
            f'Digest realm="{self.realm}",{qop} algorithm=MD5, nonce="{self._nonce()}"'
            f"{', stale=true' if stale else ''}"
        )
        return [digest, basic] if self.allow_basic else [digest]

    def _is_answer(self, given: Fields, credentials: Credentials, method: str, target: str) -> bool:
        if (given.get("algorithm") or "MD5").upper() != "MD5" or given.get("qop") not in _QOPS:
            return False
        if given.get("realm") != self.realm or not _same_target(given.get("uri") or "", target):
            return False
        expected = _response(given, credentials.password, method)
        shown = Credentials(given.get("username") or "", (given.get("response") or "").lower())
        return _same(shown, Credentials(credentials.username, expected))

    def _is_fresh(self, given: Fields) -> bool:
        """Whether the nonce is ours and valid, and its ``nc`` is new."""
        nonce = given.get("nonce") or ""
        created = self._created(nonce)
        if created is None or not (
            self._oldest <= created <= self.clock() <= created + self.nonce_seconds
        ):
            return False
        nc = given.get("nc") or ""
        # Without qop there is no nc: the nonce is good for this one request.
        number = int(nc, 16) if given.get("qop") and _NC.fullmatch(nc) else 0xFFFFFFFF
        if number <= self._used.get(nonce, 0):
            return False
        self._used[nonce] = number
        while len(self._used) > self.max_nonces:
            forgotten, _ = self._used.popitem(last=False)
            self._oldest = max(self._oldest, (self._created(forgotten) or 0.0) + 1e-6)
        return True

    def _nonce(self) -> str:
        stamp = f"{int(self.clock() * 1e6):016x}{secrets.token_hex(4)}"
        return stamp + self._signature(stamp)

    def _signature(self, stamp: str) -> str:
        return hashlib.blake2b(stamp.encode(), digest_size=8, key=self._key).hexdigest()

    def _created(self, nonce: str) -> float | None:
        """When this nonce was made; None if it is not ours."""
        stamp, signature = nonce[:24], nonce[24:]
        if not nonce.isascii() or not hmac.compare_digest(signature, self._signature(stamp)):
            return None
        return int(stamp[:16], 16) / 1e6


_QOPS = ("auth", None, "")


def _parse(header: str | None) -> Authorization | None:
    """Parse an Authorization header; the names of its fields in lower case (RFC 7235 2.1)."""
    if header is None or len(header) > MAX_CHALLENGE_BYTES:
        return None
    fields = plain_fields(header)
    if fields is not None:
        return Authorization("digest", fields)
    try:
        given = Authorization.from_header(header.replace("\t", " "))
    except ValueError:
        return None
    if given is not None:
        given.parameters = {name.lower(): value for name, value in given.parameters.items()}
    return given


def _same(shown: Credentials, right: Credentials) -> bool:
    """Whether they are equal; takes the same time wherever they differ."""
    name = hmac.compare_digest(_bytes(shown.username), _bytes(right.username))
    return hmac.compare_digest(_bytes(shown.password), _bytes(right.password)) and name


def _same_target(uri: str, target: str) -> bool:
    """Whether the ``uri`` field is the request target; some clients give the absolute URL."""
    if uri == target:
        return True
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    path = parts.path or "/"
    return bool(parts.scheme) and target == (f"{path}?{parts.query}" if parts.query else path)


# -- the side that answers ------------------------------------------------------------------------


class HTTPAuth:
    """
    Answers the challenges of one server, over one TCP connection.

    Args:
        credentials: of the client.
        basic: whether to show them with Basic before any challenge; for TLS only.
    """

    def __init__(self, credentials: Credentials, *, basic: bool = False) -> None:
        self._credentials = credentials
        self._login: Login | None = BasicLogin(credentials) if basic else None
        self._refused = False

    @classmethod
    def going_on(cls, login: Login, *, is_accepted: bool) -> HTTPAuth:
        """
        One that has answered its first challenge.

        Args:
            login: the answer to that challenge.
            is_accepted: whether the server has accepted the credentials since.
        """
        auth = cls(login.credentials)
        auth._login, auth._refused = login, not is_accepted
        return auth

    def challenge(self, headers: Iterable[str]) -> None:
        """
        Choose a challenge of a 401, to be answered by the next request.

        Args:
            headers: the values of its ``WWW-Authenticate`` headers.

        Raises:
            AuthenticationError: no known scheme is offered, or these credentials were refused.
        """
        offered = [
            challenge
            for header in islice(headers, MAX_CHALLENGES)
            for challenge in challenges_of(header)
        ][:MAX_CHALLENGES]
        digest = next((challenge for challenge in offered if challenge.is_answerable), None)
        basic = any(challenge.scheme == "basic" for challenge in offered)
        if digest is None and not basic:
            raise self._unanswerable(offered)
        stale = digest is not None and digest.get("stale").lower() == "true"
        if self._refused and not stale:
            raise self._refusal()
        # A 401 to Basic that was shown unasked is a first challenge, not a refusal.
        self._refused = True
        if digest is None:
            self._login = BasicLogin(self._credentials)
        else:
            form = DigestForm(digest.fields)
            self._login = DigestAnswers(form, digest.get("nonce"), self._credentials)

    def _unanswerable(self, offered: list[Challenge]) -> AuthenticationError:
        """
        The error of a 401 whose challenges can't be answered.

        GenieACS refuses a password by a 401 without any.
        """
        if offered:
            schemes = quoted(", ".join(map(str, offered)))
            return AuthenticationError("HTTP 401 asks for what is not supported", schemes)
        was_shown = self._login is not None
        return self._refusal() if was_shown else AuthenticationError("HTTP 401 without a challenge")

    def _refusal(self) -> AuthenticationError:
        if any(self._credentials):
            return AuthenticationError("credentials refused (HTTP 401)")
        return AuthenticationError("no credentials (HTTP 401)")

    def resume(self) -> bool:
        """
        Go on over a new connection; whether the last challenge is to be answered there.

        It is if the connection was lost before the server judged the answer. A 401 on the new
        connection is a new challenge then, not a refusal.
        """
        is_pending, self._refused = self._refused, False
        return is_pending

    def authorization(self, method: str, target: str) -> str | None:
        """The value of the Authorization header for a request; None if there is nothing to show."""
        return None if self._login is None else self._login.header(method, target)

    def accepted(self) -> None:
        """The server has accepted the credentials: a later 401 is not a refusal of them."""
        self._refused = False

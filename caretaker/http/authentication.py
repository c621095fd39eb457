"""
HTTP authentication, both sides (RFC 2617 as TR-069 3.4.4, 3.4.5 and 3.2.2 use it).

``DigestVerifier`` is the side that challenges: the Connection Request server and the embedded ACS.
``HTTPAuth`` is the side that answers: a CPE's transport and whoever sends Connection Requests.
Headers are read and written by werkzeug.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from werkzeug.datastructures import Authorization, WWWAuthenticate

from caretaker.errors import AuthenticationError
from caretaker.http.credentials import BasicCredentials, Credentials, OldDigestCredentials


def _md5(text: str) -> str:
    # CWMP's Digest is made of MD5 (3.4.5); what that is worth is told in docs/architecture.md.
    return hashlib.md5(_bytes(text), usedforsecurity=False).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _response(fields: Authorization | dict[str, str | None], password: str, method: str) -> str:
    """The ``response`` that these fields and this password ask for (RFC 2617 3.2.2.1)."""
    get = fields.get
    a1 = _md5(f"{get('username')}:{get('realm')}:{password}")
    if (get("algorithm") or "").upper() == "MD5-SESS":
        a1 = _md5(f"{a1}:{get('nonce')}:{get('cnonce')}")
    a2 = _md5(f"{method}:{get('uri')}")
    if get("qop"):
        middle = f"{get('nonce')}:{get('nc')}:{get('cnonce')}:{get('qop')}"
    else:
        middle = f"{get('nonce')}"
    return _md5(f"{a1}:{middle}:{a2}")


# -- the side that challenges ---------------------------------------------------------------------

_NC = re.compile(r"[0-9A-Fa-f]{1,8}")


@dataclass
class DigestVerifier:
    """
    Checks the Authorization of requests.

    Nonces are signed times, so none is stored before it is used. A used one is remembered with
    its highest ``nc``, which must rise; at ``max_nonces`` the oldest is forgotten, and with it
    all as old become stale. They are not tied to sockets.

    Args:
        realm: what the credentials are for.
        clock: seconds, going forward.
        nonce_seconds: how long a nonce is good.
        allow_basic: whether Basic is taken and offered too.
        max_nonces: how many used nonces are remembered.
    """

    realm: str
    clock: Callable[[], float]
    nonce_seconds: float = 60.0
    allow_basic: bool = False
    max_nonces: int = 10_000
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(16), repr=False)
    _used: OrderedDict[str, int] = field(default_factory=OrderedDict, repr=False)
    _oldest: float = 0.0

    def check(
        self, credentials: Credentials, method: str, target: str, header: str | None
    ) -> list[str]:
        """
        The challenges to answer with (``WWW-Authenticate`` values); none: the request is good.

        Args:
            credentials: that it must show; their class is how they are asked for.
            method: of the request.
            target: its request target, path with query.
            header: the value of its Authorization, None if it has none.
        """
        given = _parse(header)
        only_basic = isinstance(credentials, BasicCredentials)
        if given is not None and given.type == "basic" and (self.allow_basic or only_basic):
            shown = Credentials(given.username or "", given.password or "")
            return [] if _same(shown, credentials) else self._challenges(credentials)
        if given is None or given.type != "digest" or only_basic:
            return self._challenges(credentials)
        if not self._is_answer(given, credentials, method, target):
            return self._challenges(credentials)
        return [] if self._is_fresh(given) else self._challenges(credentials, stale=True)

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

    def _is_answer(
        self, given: Authorization, credentials: Credentials, method: str, target: str
    ) -> bool:
        if (given.get("algorithm") or "MD5").upper() != "MD5" or given.get("qop") not in _QOPS:
            return False
        if given.get("realm") != self.realm or not _same_target(given.get("uri") or "", target):
            return False
        expected = _response(given, credentials.password, method)
        shown = Credentials(given.get("username") or "", (given.get("response") or "").lower())
        return _same(shown, Credentials(credentials.username, expected))

    def _is_fresh(self, given: Authorization) -> bool:
        """Whether the nonce is ours and young, and its ``nc`` was not seen before."""
        nonce = given.get("nonce") or ""
        born = self._born(nonce)
        if born is None or not self._oldest <= born <= self.clock() <= born + self.nonce_seconds:
            return False
        nc = given.get("nc") or ""
        # Without qop there is no nc: such an answer uses its nonce up.
        number = int(nc, 16) if given.get("qop") and _NC.fullmatch(nc) else 0xFFFFFFFF
        if number <= self._used.get(nonce, 0):
            return False
        self._used[nonce] = number
        while len(self._used) > self.max_nonces:
            forgotten, _ = self._used.popitem(last=False)
            self._oldest = max(self._oldest, (self._born(forgotten) or 0.0) + 1e-6)
        return True

    def _nonce(self) -> str:
        born = f"{int(self.clock() * 1e6):016x}{secrets.token_hex(4)}"
        return born + self._signature(born)

    def _signature(self, born: str) -> str:
        return hashlib.blake2b(born.encode(), digest_size=8, key=self._key).hexdigest()

    def _born(self, nonce: str) -> float | None:
        """When we made this nonce; None if we did not."""
        born, signature = nonce[:24], nonce[24:]
        if not nonce.isascii() or not hmac.compare_digest(signature, self._signature(born)):
            return None
        return int(born[:16], 16) / 1e6


_QOPS = ("auth", None, "")


def _parse(header: str | None) -> Authorization | None:
    """An Authorization header, the names of its fields in lower case (RFC 7235 2.1)."""
    try:
        found = Authorization.from_header(None if header is None else header.replace("\t", " "))
    except ValueError:
        return None
    if found is not None:
        found.parameters = {name.lower(): value for name, value in found.parameters.items()}
    return found


def _same(shown: Credentials, right: Credentials) -> bool:
    """Equal, in a time that does not tell where they differ."""
    name = hmac.compare_digest(_bytes(shown.username), _bytes(right.username))
    return hmac.compare_digest(_bytes(shown.password), _bytes(right.password)) and name


def _same_target(uri: str, target: str) -> bool:
    """Whether the digest's uri is the request target; some clients send the absolute URL."""
    if uri == target:
        return True
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    path = parts.path or "/"
    return bool(parts.scheme) and target == (f"{path}?{parts.query}" if parts.query else path)


# -- the side that answers ------------------------------------------------------------------------

_SCHEME = re.compile(
    r"(?:^|,)\s*(?=(?:Digest|Basic|Bearer|Negotiate|NTLM)(?:\s|$|,))", re.IGNORECASE
)
_ALGORITHMS = ("MD5", "MD5-SESS")


class HTTPAuth:
    """
    Answers the challenges of one server, over one TCP connection.

    ``nc`` counts the answers to a nonce from 1; the cnonce is new for each challenge (3.4.5).

    Args:
        credentials: to show.
        basic: answer before being asked, with Basic; for TLS only.
    """

    def __init__(self, credentials: Credentials, *, basic: bool = False) -> None:
        self._credentials = credentials
        self._challenge: WWWAuthenticate | None = None
        self._basic = basic
        self._refused = False
        self._nc = 0
        self._cnonce = ""

    def challenge(self, headers: Iterable[str]) -> None:
        """
        Take the challenges of a 401.

        Args:
            headers: the values of its ``WWW-Authenticate`` headers.

        Raises:
            AuthenticationError: no scheme we know, or these credentials were refused.
        """
        offered = [found for header in headers for found in _split(header)]
        digest = next((each for each in offered if _can_answer(each)), None)
        basic = any(each.type == "basic" for each in offered)
        if digest is None and not basic:
            raise AuthenticationError("401 without a challenge that can be answered")
        stale = digest is not None and (digest.get("stale") or "").lower() == "true"
        if self._refused and not stale:
            raise AuthenticationError("401: credentials refused")
        # Basic that was sent unasked and refused is no refusal of a Digest not tried yet.
        self._refused = True
        self._challenge, self._basic = digest, digest is None
        self._nc, self._cnonce = 0, secrets.token_hex(8)

    def resume(self) -> bool:
        """
        Whether a challenge was taken whose answer no one has judged: the connection is gone.

        It is then answered on the next connection, where a new challenge is no refusal.
        """
        unjudged, self._refused = self._refused, False
        return unjudged

    def authorization(self, method: str, target: str) -> str | None:
        """The value of the Authorization header for a request; None before any challenge."""
        if self._challenge is not None:
            return self._digest(self._challenge, method, target)
        if self._basic:
            text = f"{self._credentials.username}:{self._credentials.password}"
            return f"Basic {base64.b64encode(text.encode()).decode()}"
        return None

    def accepted(self) -> None:
        """The server took the last answer: a later 401 is a new challenge, not a refusal."""
        self._refused = False

    def _digest(self, challenge: WWWAuthenticate, method: str, target: str) -> str:
        self._nc += 1
        qop = "auth" if challenge.get("qop") else None
        fields: dict[str, str | None] = {
            "username": self._credentials.username,
            "realm": challenge.get("realm") or "",
            "nonce": challenge.get("nonce") or "",
            "uri": target,
            "algorithm": challenge.get("algorithm"),
            "opaque": challenge.get("opaque"),
            "qop": qop,
            "nc": f"{self._nc:08x}" if qop else None,
            "cnonce": self._cnonce if qop or _is_sess(challenge) else None,
        }
        fields["response"] = _response(fields, self._credentials.password, method)
        return "Digest " + ", ".join(
            f"{name}={value}" if name in _UNQUOTED else f'{name}="{_quotable(value)}"'
            for name, value in fields.items()
            if value is not None
        )


_UNQUOTED = ("algorithm", "qop", "nc")


def _quotable(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _is_sess(challenge: WWWAuthenticate) -> bool:
    return (challenge.get("algorithm") or "").upper() == "MD5-SESS"


def _split(header: str) -> list[WWWAuthenticate]:
    """The challenges of a header; several may stand in one, separated by commas."""
    header = header.replace("\t", " ")
    parts = [part.strip().rstrip(",") for part in _SCHEME.split(header) if part.strip(" ,")]
    found = [each for each in map(WWWAuthenticate.from_header, parts) if each is not None]
    return [
        WWWAuthenticate(
            each.type, {name.lower(): value for name, value in each.parameters.items()}, each.token
        )
        for each in found
    ]


def _can_answer(challenge: WWWAuthenticate) -> bool:
    if challenge.type != "digest" or not challenge.get("nonce"):
        return False
    qops = [qop.strip().lower() for qop in (challenge.get("qop") or "auth").split(",")]
    return "auth" in qops and (challenge.get("algorithm") or "MD5").upper() in _ALGORITHMS

"""The account that Connection Requests over XMPP are sent from, and its stream when one is due."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, Self, TypeVar

from caretaker.connection_request.xmpp_client import TIMEOUT, XMPPClient
from caretaker.errors import InputError
from caretaker.http.credentials import Credentials, login_text
from caretaker.http.host_names import server as at_server
from caretaker.http.tls_settings import SYSTEM_TRUST, TLSSettings
from caretaker.xmpp.client_stream import SCRAM_SHA_1, Account, LoginSettings
from caretaker.xmpp.connections import ConnectionSettings
from caretaker.xmpp.jid import JID, account_jid
from caretaker.xmpp.scram import SaltedKeys
from caretaker.xmpp.wanted import Wanted

PORT = 5222
PASSWORD_VARIABLE = "CARETAKER_CR_XMPP_PASSWORD"  # noqa: S105  # the name of a variable
_LOGINS_PER_SECOND = 1.0
_Value = TypeVar("_Value")


class XMPPAccount(NamedTuple):
    """
    The account of an ACS; ``repr`` leaves the password out.

    Args:
        jid: its bare address.
        password: its password.
        host: of the server; empty for the domain of the address.
        port: of the server.
    """

    jid: str
    password: str
    host: str = ""
    port: int = PORT

    @classmethod
    def given(cls, jid: str, password: str, server: str) -> Self:
        """
        The account of the options of a command.

        Args:
            jid: its bare address.
            password: its password.
            server: ``host[:port]``; empty for the domain of the address.

        Raises:
            InputError: one of them can't be used.
        """
        host, port = _read("server", at_server(PORT), server) if server else ("", PORT)
        bare, secret = _read("jid", account_jid, jid), _read("password", login_text, password)
        made = cls(bare, secret, host, port)
        made.check()
        return made

    def check(self) -> None:
        """
        Check that the account has a password.

        Raises:
            InputError: it has none.
        """
        if not self.password:
            cure = f"give {PASSWORD_VARIABLE} in the environment"
            raise InputError(f"--cr-xmpp-jid {self.jid}: no password; {cure}")

    def __repr__(self) -> str:
        """Account and server."""
        return f"XMPPAccount({self.jid!r}, {self.host!r}, {self.port})"

    @property
    def wanted(self) -> Wanted:
        """The connection that it is used by; TLS is used always."""
        jid = JID.of(self.jid)
        account = Account(jid.local, self.password, jid.domain)
        return Wanted(account, ((self.host or jid.domain, self.port),))


def _read(name: str, read: Callable[[str], _Value], text: str) -> _Value:
    try:
        return read(text)
    except InputError as error:
        raise InputError(f"--cr-xmpp-{name}: {error}") from error


class XMPPSender:
    """
    Sends Connection Requests over one stream, which the first request makes.

    Args:
        account: of the sender.
        tls: what the server's certificate is verified with.
        domains: of devices, beside that of the account: a device could report any address, and the
            server would connect to that domain.
        timeout: seconds that a request waits for its answer, and the first one for the login.
    """

    def __init__(
        self,
        account: XMPPAccount,
        tls: TLSSettings = SYSTEM_TRUST,
        domains: Iterable[str] = (),
        timeout: float = TIMEOUT,
    ) -> None:
        self._account = account
        self._domains = frozenset((JID.of(account.jid).domain, *map(str.lower, domains)))
        login = LoginSettings(SCRAM_SHA_1, False, SaltedKeys())
        self._settings = ConnectionSettings(login, tls.new_context, _LOGINS_PER_SECOND)
        self._timeout = timeout
        self._client: XMPPClient | None = None

    def send(self, jid: str, credentials: Credentials) -> str | None:
        """
        Send a Connection Request, as ``XMPPClient.send``.

        Raises:
            InputError: the address is none, or of a domain that is not allowed.
        """
        address = JID.of(jid)
        if not address.local or address.domain not in self._domains:
            raise InputError(f"ConnReqJabberID {jid[:80]!r}: not an address of an allowed domain")
        if self._client is None:
            self._client = XMPPClient(self._account.wanted, self._settings, self._timeout)
        return self._client.send(jid, credentials)

    def close(self) -> None:
        """Close the stream, if there is one; a later request makes another."""
        if self._client is not None:
            self._client.close()
            self._client = None

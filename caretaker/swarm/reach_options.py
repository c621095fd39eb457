"""The options that say how the CPEs of a fleet can be reached by Connection Requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from caretaker.connection_request.xmpp_sender import PASSWORD_VARIABLE, XMPPAccount
from caretaker.connection_request.xmpp_sender import PORT as XMPP_PORT
from caretaker.device.reachability import (
    Reach,
    Reachability,
    ReachMix,
    STUNServer,
    XMPPServer,
)
from caretaker.engine.nat_settings import STUNMode
from caretaker.errors import InputError
from caretaker.http.credentials import login_text
from caretaker.http.host_names import HostPort, server
from caretaker.swarm import option_addresses as addresses
from caretaker.swarm import option_values as values
from caretaker.swarm.option import option
from caretaker.swarm.option_values import ForgetfulNATs, Range
from caretaker.xmpp.jid import JID, account_domain, account_jid

XMPPAuth = Literal["scram", "plain"]
XMPPTLS = Literal["required", "optional"]
STUN_PORT = 3478
KEEP_ALIVE = Range(30, 30)
MAX_LOGIN_RATE = 10_000
"""Logins per second of a worker: far more than its CPU can do."""


@dataclass(frozen=True)
class ReachOptions:
    """How CPEs can be reached."""

    reach: ReachMix | None = option(
        "--reach",
        ReachMix.parse,
        default=None,
        unit="KIND:WEIGHT,...",
        example="direct:40,stun:30,xmpp:20,dark:10",
        help=f"How CPEs can be reached, mixed by weight: {', '.join(Reach)}. See docs/reach.md.",
        nothing="all at their ConnectionRequestURL",
    )
    stun_server: HostPort | None = option(
        "--stun-server",
        server(STUN_PORT),
        default=None,
        unit="host[:port]",
        example="stun.example.com",
        help="STUN server of the CPEs of the kind stun, as in their STUNServerAddress and "
        "STUNServerPort.",
        nothing="the host of the ACS, port 3478",
    )
    stun_keep_alive: Range = option(
        "--stun-keep-alive",
        values.keep_alive,
        default=KEEP_ALIVE,
        unit="low-high",
        example="20-60",
        help="STUNMinimumKeepAlivePeriod and STUNMaximumKeepAlivePeriod of the CPEs of the kind "
        "stun, in seconds.",
    )
    stun_mode: STUNMode = option(
        "--stun-mode",
        values.one_of(*STUNMode),
        default=STUNMode.COOKIE,
        unit="|".join(STUNMode),
        example="classic",
        help="STUN that CPEs speak. cookie: that of RFC 5389, which older servers understand, too. "
        "classic: that of RFC 3489, as Annex G of TR-069 says; many servers leave it unanswered.",
    )
    stun_sockets: Literal["shared", "each"] = option(
        "--stun-sockets",
        values.one_of("shared", "each"),
        default="shared",
        unit="shared|each",
        example="each",
        help="Sockets of the CPEs that use STUN. shared: those of a worker share one, and so one "
        "UDPConnectionRequestAddress; their ConnectionRequestUsernames must differ. each: every "
        "CPE has its own, with a port and a file descriptor.",
    )
    nat_forgets: ForgetfulNATs = option(
        "--nat-forgets",
        ForgetfulNATs.parse,
        default=ForgetfulNATs(0.0, 0.0),
        unit="share:seconds",
        example="0.1:25",
        help="Share of the CPEs that use STUN whose NAT forgets a binding after so many seconds "
        "without a Binding Request of the CPE.",
    )
    xmpp_server: HostPort | None = option(
        "--xmpp-server",
        server(XMPP_PORT),
        default=None,
        unit="host[:port]",
        example="xmpp.example.com",
        help="XMPP server of the CPEs of the kind xmpp, as in their XMPP.Connection.1.",
        nothing="none; the kind xmpp needs one",
    )
    xmpp_domain: str | None = option(
        "--xmpp-domain",
        account_domain,
        default=None,
        unit="domain",
        example="example.com",
        help="Domain of the XMPP accounts of CPEs.",
        nothing="the host of --xmpp-server",
    )
    xmpp_auth: XMPPAuth = option(
        "--xmpp-auth",
        values.one_of("scram", "plain"),
        default="scram",
        unit="scram|plain",
        example="plain",
        help="How CPEs prove their passwords to the XMPP server. scram: SCRAM-SHA-1. plain: the "
        "password itself, which costs a server much more.",
    )
    xmpp_tls: XMPPTLS = option(
        "--xmpp-tls",
        values.one_of("required", "optional"),
        default="required",
        unit="required|optional",
        example="optional",
        help="Whether CPEs log in at an XMPP server without TLS, where neither the server demands "
        "it nor UseTLS asks for it. Certificates are those of --tls-ca, and must be of the domain.",
    )
    xmpp_login_rate: float = option(
        "--xmpp-login-rate",
        values.at_least(0.1, MAX_LOGIN_RATE),
        default=20.0,
        unit="logins/s",
        example="100",
        help="Logins per second of each worker at the XMPP server, and the most under way at once.",
    )
    cr_xmpp_jid: str | None = option(
        "--cr-xmpp-jid",
        account_jid,
        default=None,
        unit="user@domain",
        example="acs@example.com",
        help="XMPP account that the embedded ACS, and --cr-driver direct, send Connection Requests "
        "from, to CPEs whose ConnReqJabberID is of its domain. Always with TLS, trusting "
        "--cr-tls-ca, and SCRAM-SHA-1.",
        nothing="none; a ConnReqJabberID is passed over",
    )
    cr_xmpp_password: str | None = option(
        "--cr-xmpp-password",
        login_text,
        default=None,
        unit="text",
        example="secret",
        help=f"Password of --cr-xmpp-jid; safer in the environment, as {PASSWORD_VARIABLE}.",
        nothing="none; the account needs one",
        secret=True,
    )
    cr_xmpp_server: HostPort | None = option(
        "--cr-xmpp-server",
        server(XMPP_PORT),
        default=None,
        unit="host[:port]",
        example="xmpp.example.com",
        help="XMPP server of --cr-xmpp-jid.",
        nothing="that of --xmpp-server",
    )
    cr_host_ipv6: str | None = option(
        "--cr-host-ipv6",
        addresses.bound_ipv6_address,
        default=None,
        unit="address",
        example="2001:db8::7",
        help="IPv6 address of this machine that the CPEs of the kind ipv6 take Connection Requests "
        "at.",
        nothing="::1",
    )

    def has(self, kind: Reach) -> bool:
        """Whether some CPEs are of this kind."""
        return self.reach is not None and kind in self.reach

    def check_reach(self) -> None:
        """
        Check that each kind of CPE has what it needs.

        Raises:
            InputError: a server is missing, or is that of a kind that no CPE is of.
        """
        kinds = self.reach or ReachMix(((Reach.DIRECT, 1.0),))
        if Reach.XMPP in kinds and self.xmpp_server is None:
            raise InputError("--reach: xmpp needs a server; give --xmpp-server")
        if self.xmpp_auth == "plain" and self.xmpp_tls == "optional":
            cure = "give --xmpp-tls required"
            raise InputError(f"--xmpp-auth plain: shows passwords to anybody without TLS; {cure}")
        for flag, kind, given, usual in (
            ("--stun-server", Reach.STUN, self.stun_server, None),
            ("--stun-keep-alive", Reach.STUN, self.stun_keep_alive, KEEP_ALIVE),
            ("--xmpp-server", Reach.XMPP, self.xmpp_server, None),
            ("--xmpp-domain", Reach.XMPP, self.xmpp_domain, None),
            ("--cr-xmpp-jid", Reach.XMPP, self.cr_xmpp_jid, None),
            ("--cr-host-ipv6", Reach.IPV6, self.cr_host_ipv6, None),
        ):
            if given != usual and kind not in kinds:
                cure = f"give --reach with {kind}, like direct:1,{kind}:1"
                raise InputError(f"{flag} {given}: no CPE is of the kind {kind}; {cure}")
        self._check_domain()
        self._check_account()

    @property
    def domain(self) -> str:
        """The domain of the XMPP accounts of CPEs; empty if they have none."""
        return self.xmpp_domain or (self.xmpp_server.host if self.xmpp_server else "")

    def _check_domain(self) -> None:
        """Check that the CPEs have a domain, which is that of the sender, too."""
        if not self.domain:
            return
        try:
            account_domain(self.domain)
        except InputError as error:
            raise InputError(f"--xmpp-server {error}; give --xmpp-domain") from error
        if self.cr_xmpp_jid is None:
            return
        sender, cpe = JID.of(self.cr_xmpp_jid), JID.of(f"cpe@{self.domain}")
        if sender.domain != cpe.domain:
            cure = f"give an account of {cpe.domain}, or another --xmpp-domain"
            raise InputError(
                f"--cr-xmpp-jid {sender}: sends to CPEs of its own domain, and there are none; "
                f"{cure}"
            )

    def _check_account(self) -> None:
        if self.cr_xmpp_jid is None and self.cr_xmpp_server is not None:
            cure = "give --cr-xmpp-jid, like acs@example.com"
            raise InputError(f"--cr-xmpp-server {self.cr_xmpp_server}: of no account; {cure}")
        if self.cr_xmpp is not None:
            self.cr_xmpp.check()

    @property
    def cr_xmpp(self) -> XMPPAccount | None:
        """The account that Connection Requests are sent from; None if there is none."""
        if self.cr_xmpp_jid is None:
            return None
        host, port = self.cr_xmpp_server or self.xmpp_server or HostPort("", XMPP_PORT)
        return XMPPAccount(self.cr_xmpp_jid, self.cr_xmpp_password or "", host, port)

    def reachability(self) -> Reachability | None:
        """How the CPEs can be reached, but for addresses of this machine; None without a mix."""
        if self.reach is None:
            return None
        stun = self.stun_server or HostPort("", STUN_PORT)
        xmpp = self.xmpp_server or HostPort("", XMPP_PORT)
        return Reachability(
            self.reach,
            stun=STUNServer(stun.host, stun.port, self.stun_keep_alive),
            xmpp=XMPPServer(xmpp.host, xmpp.port, self.domain),
        )

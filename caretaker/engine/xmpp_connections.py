"""
Joins the CPEs of a shard to XMPP servers, and takes their Connection Requests (TR-069 Annex K).

Which connection a CPE has follows from its parameters alone, whether the fleet's settings or the
ACS have made them. Servers are the fleet's own and allowed hosts, and no others (decision D10).
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable
from random import Random

import gevent

from caretaker.device.cpe import CPE
from caretaker.device.xmpp_connection import WantedConnection, forget, report, wanted_connection
from caretaker.engine.loop_budget import LoopBudget
from caretaker.engine.shard import Shard
from caretaker.errors import DeviceBusy, DeviceNotFound
from caretaker.http.ip_addresses import same_host
from caretaker.stats.records import VerdictSink
from caretaker.stats.results import Results
from caretaker.way import Way
from caretaker.xmpp.client_stream import Account
from caretaker.xmpp.connections import ConnectionSettings, XMPPConnections
from caretaker.xmpp.jid import JID, allowed_jids, is_allowed
from caretaker.xmpp.stream_events import Answered, ConnectionRequest, EndKind
from caretaker.xmpp.wanted import Backoff, Wanted

_log = logging.getLogger(__name__)
LOOK_SECONDS = 0.1
"""How often it is looked which CPEs have changed."""
POWER_SHARE = 0.2
"""Of each turn of the loop, for reading the parameters of CPEs that have changed."""
_CONDITIONS = {
    "accepted": None,
    "unauthorized": "not-authorized",
    "not_found": "service-unavailable",
    "refused": "service-unavailable",
}
"""The answer by the verdict on a Connection Request: None is an empty result."""
_STATUS = {
    EndKind.AUTHENTICATION: "Error_AuthenticationFailure",
    EndKind.CONFLICT: "Error",
    EndKind.OTHER: "ServerNotPresent",
}
"""Status of a connection that has ended."""


class ShardXMPP:
    """
    The connections of the CPEs of a shard to XMPP servers.

    Args:
        shard: that has the CPEs.
        hosts: to which connections may be made, as ``same_host`` spells them.
        settings: of the connections.
        sink: takes the answers to Connection Requests.
        seed: of random waits and nonces.
        clock: seconds, going forward: that of the shard.
    """

    def __init__(
        self,
        shard: Shard,
        hosts: frozenset[str],
        settings: ConnectionSettings,
        sink: VerdictSink,
        *,
        seed: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shard = shard
        self._hosts = hosts
        self._sink = sink
        self._clock = clock
        self._changed = shard.context.watch_reach()
        self._wanted: dict[int, WantedConnection] = {}
        self._is_suspended = self._is_stopped = False
        self._has_told = False
        self._standing: dict[str, int] = {}
        """How many were connected, and why not, when it was stopped."""
        self._budget = LoopBudget(POWER_SHARE)
        self.connections = XMPPConnections(settings, self, clock=clock, rng=Random(seed))
        self._greenlet = gevent.spawn(self._run)

    def suspend(self) -> None:
        """Close all connections: others may have the CPEs by now. It does not wait."""
        self._is_suspended = True
        for index in list(self._wanted):
            self.connections.drop(index)
        self._wanted.clear()

    def resume(self) -> None:
        """Make the connections again after ``suspend``."""
        self._is_suspended = False
        self._changed.update(self._shard.cpes)

    def stop(self) -> None:
        """Close all connections, for good; once more does nothing."""
        if self._is_stopped:
            return
        self._is_stopped = True
        self._standing = self._stand()
        self._shard.context.unwatch_reach(self._changed)
        self._greenlet.kill(block=False)
        self._budget.stop()
        self.connections.stop()

    def book(self, results: Results) -> None:
        """Add what has happened so far."""
        for name, number in self.connections.counts.items():
            results.count(f"xmpp.{name}", number)
        for name, number in (self._standing or self._stand()).items():
            results.count(f"xmpp.{name}", number)

    def _stand(self) -> dict[str, int]:
        """How many CPEs are to be connected, and why some are not."""
        why = self.connections.not_connected()
        reasons = {f"not_connected.{reason}": number for reason, number in why.items()}
        return {"cpes": self.connections.clients, **reasons}

    # Which connections there are to be.

    def _run(self) -> None:
        while True:
            self.look()
            gevent.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Take up what has changed with CPEs."""
        while self._changed and not self._is_suspended:
            self._budget.wait()
            if self._changed and not self._is_suspended:
                self._take_up(self._changed.pop())

    def _take_up(self, index: int) -> None:
        cpe, now = self._shard.cpes.get(index), self._clock()
        wanted = wanted_connection(cpe, now) if cpe is not None and cpe.powered else None
        old = self._wanted.get(index)
        if cpe is None or wanted is None or (old is not None and now < cpe.down_until):
            self._drop(index, cpe, now)
        if cpe is None or wanted is None or wanted == self._wanted.get(index):
            return
        spelled = [(same_host(host), port) for host, port in wanted.servers]
        servers = tuple(server for server in spelled if server[0] in self._hosts)
        if not servers:
            self._refuse_host(cpe, wanted, now)
            return
        self._wanted[index] = wanted
        self.connections.want(index, _wanted(wanted, servers), cpe.down_until)

    def _drop(self, index: int, cpe: CPE | None, now: float) -> None:
        old = self._wanted.pop(index, None)
        self.connections.drop(index)
        if old is not None and cpe is not None and cpe.powered and now >= cpe.down_until:
            forget(cpe, old.row, now)
            self._shard.schedule(cpe)

    def _refuse_host(self, cpe: CPE, wanted: WantedConnection, now: float) -> None:
        self._wanted[cpe.index] = wanted
        self.connections.give_up(cpe.index, "host not allowed")
        report(cpe, wanted.row, "Error_Misconfigured", now, jid="", is_secure=False)
        self._shard.schedule(cpe)

    # What happens to them; called in the loop, so nothing waits.

    def bound(self, key: int, jid: str, *, is_secure: bool) -> None:
        """A CPE is connected: its address is as the server has it, not as it was asked for."""
        self._report(key, "Enabled", jid=jid, is_secure=is_secure)

    def ended(self, key: int, kind: EndKind, reason: str) -> None:
        """A CPE's connection is over."""
        self._report(key, _STATUS[kind], jid="", is_secure=False)
        if self.connections.logins.is_stopped and not self._has_told:
            self._has_told = True
            gevent.spawn(
                _log.error,
                "XMPP: %s: no more CPEs of this worker log in, as servers ban hosts for that; "
                "make the accounts with ./scripts/xmpp-accounts",
                reason,
            )

    def _report(self, index: int, status: str, *, jid: str, is_secure: bool) -> None:
        cpe, wanted = self._shard.cpes.get(index), self._wanted.get(index)
        if cpe is not None and wanted is not None and cpe.powered:
            report(cpe, wanted.row, status, self._clock(), jid=jid, is_secure=is_secure)
            self._shard.schedule(cpe)

    def connection_request(self, key: int, request: ConnectionRequest) -> str | None:
        """Answer a Connection Request; the condition of its error, None if it is accepted."""
        started = self._clock()
        verdict = self._verdict(key, request)
        self._sink.connection_request(verdict, self._clock() - started, Way.XMPP)
        return _CONDITIONS[verdict]

    def _verdict(self, index: int, request: ConnectionRequest) -> str:
        cpe, now = self._shard.cpes.get(index), self._clock()
        if cpe is None:
            return "not_found"
        allowed = allowed_jids(cpe.management_value("ConnReqAllowedJabberIDs", now))
        if not is_allowed(JID.of(request.sender), allowed):
            return "refused"
        given = f"{request.username}\0{request.password}".encode()
        names = "ConnectionRequestUsername", "ConnectionRequestPassword"
        expected = "\0".join(cpe.management_value(name, now) for name in names).encode()
        if not hmac.compare_digest(given, expected):
            return "unauthorized"
        try:
            self._shard.connection_request(cpe.url_name, Way.XMPP)
        except DeviceNotFound:
            return "not_found"
        except DeviceBusy:
            return "refused"
        return "accepted"

    def answered(self, key: int, answer: Answered) -> None:
        """Pass over an answer: CPEs ask for nothing."""


def _wanted(wanted: WantedConnection, servers: tuple[tuple[str, int], ...]) -> Wanted:
    return Wanted(
        Account(wanted.username, wanted.password, wanted.domain, wanted.resource),
        servers,
        wanted.use_tls,
        wanted.keep_alive,
        Backoff(wanted.retry_initial, wanted.retry_multiplier, wanted.retry_longest),
        wanted.attempts,
    )

"""
The NAT bindings of the CPEs of a shard, found and kept alive with STUN (TR-069 Annex G).

A CPE that uses STUN is a small object here and eight bytes in a wheel of due times; there is no
greenlet for it. Binding Requests go from the port that Connection Requests come to. Many CPEs may
share a socket, as customers behind one carrier's NAT share an address: answers are told apart by
their transaction id, Connection Requests by their username.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable
from math import inf
from sys import intern
from typing import Any

import gevent

from caretaker.device.cpe import CPE
from caretaker.device.nat_traversal import report_binding, stun_settings
from caretaker.device.reach_values import reach_of
from caretaker.device.reachability import Reach
from caretaker.engine.binding_requests import Binding, BindingRequests
from caretaker.engine.keep_alives import KeepAlives
from caretaker.engine.nat_settings import WAITS, NATSettings
from caretaker.engine.nat_sockets import NATSockets
from caretaker.engine.shard import Shard
from caretaker.engine.stun_credentials import STUNCredentials
from caretaker.engine.stun_servers import STUNServer, STUNServers
from caretaker.engine.udp_requests import DUPLICATE, UDPRequests
from caretaker.errors import DatagramError
from caretaker.stats.records import VerdictSink
from caretaker.stats.results import Results
from caretaker.stun.message import Kind, SocketAddress, StunMessage
from caretaker.stun.timer_wheel import TimerWheel
from caretaker.stun.udp_connection_request import START, UDPConnectionRequest
from caretaker.stun.udp_socket import UDPSocket

STEP_SECONDS = 0.05
"""Of the wheel of due times."""
ANNOUNCEMENTS = 3
"""Binding Requests that say that the binding is new, in case some get lost."""
ANNOUNCE_SECONDS = 0.5
"""Between two of them."""
QUIET_TRIES = 5
"""How often a request was sent before its CPE counts as one without an answer, until one comes."""
SILENT = "server is silent"
LOOKED_UP = "host name is being looked up"
LOOKUP_SECONDS = 0.25
"""Before it is looked again for a server whose name is being looked up."""
LOOKS = 200
"""CPEs whose settings are read in one step, at most, so that a turn of the loop is short."""
ACTS = 1000
"""Due CPEs after which the steps that are left wait for the next turn: a fence leaves many."""


class NATBindings:
    """
    Sends the Binding Requests of CPEs and takes their Connection Requests by UDP.

    Args:
        shard: has the CPEs, and runs their sessions.
        servers: finds the STUN servers.
        sink: counts the verdicts on Connection Requests.
        clock: seconds, going forward.
        settings: of the fleet.
    """

    def __init__(
        self,
        shard: Shard,
        servers: STUNServers,
        sink: VerdictSink,
        clock: Callable[[], float],
        settings: NATSettings,
    ) -> None:
        self.counts: Counter[str] = Counter()
        """What has happened, by the names in docs/summary.md."""
        self._shard = shard
        self._servers = servers
        self._clock = clock
        self._settings = settings
        self._waits = WAITS[settings.mode]
        self._bindings: dict[int, Binding] = {}
        self._unanswered: dict[int, str] = {}
        """The CPEs whose last request has failed, or still has no answer, with the reason."""
        self._credentials = STUNCredentials(shard.cpes)
        self._keep_alives = KeepAlives(settings.keep_alive)
        self._requests = BindingRequests(settings.mode, self._credentials, self.counts)
        self._connection_requests = UDPRequests(shard, sink, clock)
        self._sockets = NATSockets(settings, self._take)
        self._sent_at: dict[int, float] = {}
        """When each CPE has sent its last request, where some NATs forget bindings."""
        self._wheel = TimerWheel(STEP_SECONDS, clock())
        self._changed = shard.context.watch_reach()
        loop: Any = gevent.get_hub().loop
        self._timer = loop.timer(STEP_SECONDS, STEP_SECONDS, ref=False)
        self._timer.start(self.do_due)

    def __len__(self) -> int:
        """How many CPEs use STUN."""
        return len(self._bindings)

    def close(self) -> None:
        """Send and take nothing any more; once more does nothing."""
        self._timer.close()
        self._shard.context.unwatch_reach(self._changed)
        self._sockets.close()

    def book(self, results: Results) -> None:
        """Add what has happened so far: sent = answered + silent + errors + dropped + waiting."""
        for name, number in self.counts.items():
            results.count(f"stun.{name}", number)
        results.count("stun.waiting", len(self._requests))
        results.count("stun.cpes", len(self._bindings))
        for reason, number in Counter(self._unanswered.values()).items():
            results.count(f"stun.unanswered.{reason}", number)

    def rebind(self, indices: Iterable[int]) -> int:
        """
        Have the NATs of CPEs give them other bindings; the old ones lead nowhere.

        The CPEs find out with their next keep-alive, as they do behind a real NAT.

        Args:
            indices: of the CPEs; those that do not use STUN are passed over.

        Returns:
            How many have another binding now.
        """
        rebound = 0
        for index in indices:
            binding = self._bindings.get(index)
            if binding is not None and binding.socket is not None:
                self._rebind(index, binding)
                rebound += 1
        return rebound

    # What is due.

    def do_due(self) -> None:
        """Take up what has changed, and send what is due. Does not wait."""
        now = self._clock()
        for _ in range(min(LOOKS, len(self._changed))):
            self._look(self._changed.pop(), now)
        if not self._shard.may_send(now):
            return
        acts = 0
        for step, due in self._wheel.due(now):
            acts += len(due)
            for index in due:
                binding = self._bindings.get(index)
                if binding is not None and binding.due == step:
                    self._act(index, binding, now)
            if acts >= ACTS:
                return

    def _look(self, index: int, now: float) -> None:
        """Take up the settings of a CPE, which may have changed."""
        cpe = self._shard.cpes.get(index)
        settings = stun_settings(cpe, now) if cpe is not None else None
        binding = self._bindings.get(index)
        if cpe is None or settings is None:
            if binding is not None:
                self._forget(index, binding)
                if cpe is not None and report_binding(cpe, "", now, nat_detected=False):
                    self._shard.schedule(cpe)
            return
        self._connection_requests.learn(cpe)
        if binding is None:
            binding = self._bindings[index] = Binding(settings)
            self._plan(index, binding, now)
        elif binding.settings != settings:
            binding.settings = settings
            self._begin_anew(index)
            self._requests.end(binding, "dropped")
            self._plan(index, binding, now)
        elif binding.address is not None:
            self._report(cpe, binding, now)

    def _plan(self, index: int, binding: Binding, at: float) -> None:
        binding.due = self._wheel.add(index, at)

    def _plan_keep_alive(self, index: int, binding: Binding, now: float) -> None:
        self._plan(index, binding, now + self._keep_alives.period(index, binding.settings))

    def _begin_anew(self, index: int) -> None:
        """Forget what was learnt of a server, and of the NAT on the way to it."""
        self._credentials.forget(index)
        self._keep_alives.forget(index)
        self._unanswered.pop(index, None)

    def _act(self, index: int, binding: Binding, now: float) -> None:
        up_from = self._shard.cpes.up_from(index)
        if up_from <= now:
            if binding.transaction is None:
                self._request(index, binding, now)
            else:
                self._not_answered(index, binding, now)
        elif index not in self._shard.cpes:
            self._forget(index, binding)
        else:
            self._requests.end(binding, "dropped")
            self._unanswered.pop(index, None)
            self._plan(index, binding, now + 1.0 if up_from == inf else max(up_from, now + 1.0))

    def _not_answered(self, index: int, binding: Binding, now: float) -> None:
        """
        Ask again, or take the silence of the server as the outcome.

        What this worker has not read yet, or had no room for, is no silence of the server.
        """
        opened = binding.socket
        is_read = opened is None or opened.is_read()
        if binding.transaction is None:
            return  # the answer was there
        if not is_read:
            self._plan(index, binding, now + STEP_SECONDS)
        elif binding.tries < len(self._waits):
            self._request(index, binding, now)
        elif opened is not None and opened.has_lost(now, sum(self._waits)):
            binding.tries = 0
            self._request(index, binding, now)
        else:
            self._requests.end(binding, "silent")
            self._unanswered.setdefault(index, SILENT)
            self._plan_keep_alive(index, binding, now)

    # Requests.

    def _request(self, index: int, binding: Binding, now: float) -> None:
        """Send a Binding Request, or the one that waits for its answer once more."""
        server = self._server(index, binding)
        if server.family is None:
            self._wait_for_server(index, binding, server, now)
            return
        if self._unanswered.get(index) is LOOKED_UP:
            del self._unanswered[index]
        is_new = binding.transaction is None
        if is_new and self._has_forgotten(index, binding, now):
            self._rebind(index, binding)
        try:
            opened = self._socket(index, binding, server.family)
            if is_new:
                self._requests.begin(index, binding)
            opened.send(self._requests.datagram(index, binding, now), server.address)
        except OSError as error:
            self._unsent(index, os.strerror(error.errno or 0))
        binding.tries += 1
        if binding.tries == QUIET_TRIES:
            self._unanswered.setdefault(index, SILENT)
        wait = self._waits[min(binding.tries, len(self._waits)) - 1]
        self._plan(index, binding, now + wait)
        if self._settings.forgets_after is not None:
            self._sent_at[index] = now

    def _server(self, index: int, binding: Binding) -> STUNServer:
        settings = binding.settings
        return self._servers.server(settings.host, settings.port, self._settings.source(index))

    def _wait_for_server(
        self, index: int, binding: Binding, server: STUNServer, now: float
    ) -> None:
        """Try again later: soon while its name is looked up."""
        if server.reason:
            self._unsent(index, server.reason)
            self._requests.end(binding, "dropped")
            self._plan_keep_alive(index, binding, now)
        else:
            self._unanswered.setdefault(index, LOOKED_UP)
            self._plan(index, binding, now + LOOKUP_SECONDS)

    def _unsent(self, index: int, reason: str) -> None:
        self.counts[f"unsent.{reason}"] += 1
        self._unanswered[index] = reason

    def _forget(self, index: int, binding: Binding) -> None:
        self._requests.end(binding, "dropped")
        del self._bindings[index]
        self._begin_anew(index)
        self._connection_requests.forget(index)
        self._sent_at.pop(index, None)
        self._sockets.release(binding.socket)

    # Sockets, and the NATs behind them.

    def _socket(self, index: int, binding: Binding, family: int) -> UDPSocket:
        """The socket of a CPE, opened if there is none yet."""
        if binding.socket is None or binding.socket.family != family:
            self._sockets.release(binding.socket)
            binding.socket = self._sockets.open(index, family)
        return binding.socket

    def _rebind(self, index: int, binding: Binding) -> None:
        old = binding.socket
        assert old is not None
        self.counts["rebound"] += 1
        if binding.transaction is not None:
            self._requests.end(binding, "dropped")  # its answer would come to the old address
            self._plan_keep_alive(index, binding, self._clock())
        try:
            binding.socket = self._sockets.another(index, old)
        except OSError:
            binding.socket = None  # tried again with the next request
        self._sockets.release(old)

    def _has_forgotten(self, index: int, binding: Binding, now: float) -> bool:
        """Whether the NAT of a CPE has heard nothing from it for too long."""
        forgets_after = self._settings.forgets_after
        if forgets_after is None or binding.socket is None:
            return False
        return now - self._sent_at.get(index, now) > forgets_after(index)

    # What comes.

    def _take(self, opened: UDPSocket, datagram: bytes) -> None:
        try:
            if datagram.startswith(START):
                self._connection_request(opened, UDPConnectionRequest.decode(datagram))
            else:
                self._answer(opened, StunMessage.decode(datagram))
        except DatagramError:
            self.counts["malformed"] += 1

    def _connection_request(self, opened: UDPSocket, request: UDPConnectionRequest) -> None:
        index = self._sockets.owner(opened)
        if index is None:
            index = self._connection_requests.addressee(request.username)
        binding = self._bindings.get(index) if index is not None else None
        if index is not None and (
            binding is None
            or binding.socket is not opened
            or self._has_forgotten(index, binding, self._clock())
        ):
            self.counts["lost_requests"] += 1  # the NAT has no such binding any more
        elif self._connection_requests.take(index, request) == DUPLICATE:
            self.counts["duplicates"] += 1

    def _answer(self, opened: UDPSocket, message: StunMessage) -> None:
        index = self._requests.asked_by(message)
        if index is None:
            self.counts["late"] += 1
            return
        now, binding = self._clock(), self._bindings[index]
        if self._shard.cpes.up_from(index) == inf:
            return
        if message.kind == Kind.BINDING_RESPONSE:
            self._credentials.check(index, message, now)
            self._found(index, binding, message.mapped_address(), opened, now)
        elif message.kind == Kind.BINDING_ERROR:
            self._failed(index, binding, message, now)
        else:
            self.counts["malformed"] += 1

    def _found(
        self,
        index: int,
        binding: Binding,
        address: SocketAddress | None,
        opened: UDPSocket,
        now: float,
    ) -> None:
        """Take the address that the server saw."""
        if address is None:
            raise DatagramError("a STUN answer without an address")
        self._requests.end(binding, "answered")
        self._unanswered.pop(index, None)
        if address != binding.address:
            self.counts["found" if binding.address is None else "changed"] += 1
            if binding.address is not None:
                self._keep_alives.shorten(index, binding.settings)
            if address != opened.last_address:
                opened.last_address = address
            binding.address, binding.announcements = opened.last_address, ANNOUNCEMENTS
            self._report(self._shard.cpes[index], binding, now)
        elif binding.announcements:
            binding.announcements -= 1
        if binding.announcements:
            self._plan(index, binding, now + ANNOUNCE_SECONDS)
        else:
            self._plan_keep_alive(index, binding, now)

    def _report(self, cpe: CPE, binding: Binding, now: float) -> None:
        """Have the CPE know and notify where it is reached."""
        server, opened = self._server(cpe.index, binding), binding.socket
        if binding.address is None or opened is None:
            return
        own = SocketAddress(server.local, opened.port)
        # The NAT of a kind is simulated: its addresses are those of this machine.
        is_behind = binding.address != own or reach_of(cpe) is Reach.STUN
        where = intern(binding.address.authority)  # one text for CPEs that share an address
        if report_binding(cpe, where, now, nat_detected=is_behind):
            self._shard.schedule(cpe)

    def _failed(self, index: int, binding: Binding, error: StunMessage, now: float) -> None:
        """Take an error; a server that asks for credentials is shown them, if there are any."""
        is_asked = self._credentials.refused(index, error, now)
        self._requests.end(binding, f"errors.{error.error_code()}")
        if is_asked:
            self._plan(index, binding, now)
        else:
            self._unanswered[index] = f"error {error.error_code()}"
            self._plan_keep_alive(index, binding, now)

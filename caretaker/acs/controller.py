"""The ACS behind one session: it finds the device and does what is due, one RPC at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gevent.event

from caretaker.acs.acs import ACS
from caretaker.acs.devices import KnownDevice
from caretaker.acs.presets import Preset
from caretaker.acs.task import Task
from caretaker.acs.task_rpcs import RPCs, rpcs_of
from caretaker.cwmp import messages as m
from caretaker.cwmp.faults import FaultCode
from caretaker.errors import FaultError


class Controller:
    """
    What the ACS does in one session: credentials at first contact, presets, and then tasks.

    Args:
        acs: the devices.
        peer: the IP address that the session comes from.
        file_host: the host and port as which the CPE knows the ACS.
    """

    def __init__(self, acs: ACS, peer: str, file_host: str = "") -> None:
        self._acs = acs
        self._peer = peer
        self._file_host = file_host
        self._inform: m.Inform | None = None
        self._informed = 0.0
        self._presets: list[Preset] = []
        self._rpcs: RPCs | None = None
        self._task: Task | None = None
        self._channel = ""
        self._done: list[Task] = []
        self._response: m.Response | None = None
        self._over: gevent.event.Event | None = None
        self.device: KnownDevice | None = None

    def inform(self, inform: m.Inform) -> None:
        """A CPE opens a session; one that it has left half-way ends here."""
        self.device = self._acs.informed(inform, self._peer, self._file_host)
        self._inform, self._informed = inform, time.time()
        old, self.device.session = self.device.session, self
        if old is not None:
            old.abandon()
        for task in self.device.tasks:
            task.begun.set()
        self._rpcs = self._acs.provision(self.device)
        self._presets = self._acs.presets_for(self.device, inform)

    def answer(self, request: m.Request) -> m.Response:
        """The response to a request of the CPE (``_METHODS``)."""
        if isinstance(request, m.UnreadableRequest) and m.REQUESTS[request.name] in _METHODS:
            raise FaultError(FaultCode.ACS_INVALID_ARGUMENTS, request.reason)
        method = _METHODS.get(type(request))
        if method is None:
            raise FaultError(FaultCode.ACS_METHOD_NOT_SUPPORTED)
        return method(request)

    def next_request(self) -> m.Request | None:
        """The next RPC of what is being done, or the first of what comes next."""
        while self._rpcs is not None or self._next_preset() or self._next_task():
            request = self._next_rpc()
            if request is not None:
                return request
        return None

    def _next_preset(self) -> bool:
        assert self.device is not None
        if not self._presets:
            return False
        preset = self._presets.pop(0)
        self._rpcs, self._channel = preset.rpcs(self.device), preset.channel
        return True

    def _next_task(self) -> bool:
        assert self.device is not None
        if self.device.session is not self:
            return False
        self._task = next((task for task in self.device.tasks if task.fault is None), None)
        if self._task is None:
            return False
        self._rpcs, self._channel = rpcs_of(self._task, self.device), self._task.channel
        return True

    def _next_rpc(self) -> m.Request | None:
        assert self._rpcs is not None
        response, self._response = self._response, None
        fault: FaultError | None = None
        try:
            return next(self._rpcs) if response is None else self._rpcs.send(response)
        except StopIteration:
            pass
        except FaultError as error:
            fault = error
        self._end(fault)
        return None

    def _end(self, fault: FaultError | None) -> None:
        """Note that what was being done is done, or has failed; a task that failed is kept."""
        assert self.device is not None
        task, self._task, self._rpcs = self._task, None, None
        if fault is not None:
            self._acs.failed(self.device, self._channel, fault)
        if task is not None:
            task.end(fault)
            self._done.append(task)
            if fault is None:
                self.device.tasks.remove(task)

    def responded(self, response: m.Response) -> None:
        """The CPE has answered the last request."""
        self._response = response

    def abandon(self) -> None:
        """End a session that the CPE has left half-way: its task waits for the next one."""
        self._task = self._rpcs = None
        self.close()

    def close(self) -> None:
        """End the session with its device."""
        device = self.device
        if device is not None and device.session is self:
            assert self._inform is not None
            device.session = None
            self._acs.session_over(device, self._inform, self._informed)
            for task in (*self._done, *device.tasks):
                task.ended.set()
        if self._over is not None:
            self._over.set()

    def wait_until_over(self, seconds: float) -> bool:
        """Wait for the end of the session; whether it has ended in time."""
        if self._over is None:
            self._over = gevent.event.Event()
        return bool(self._over.wait(seconds))


def _rpc_methods(_: m.GetRPCMethods) -> m.Response:
    names = [method.__name__ for method in _METHODS]
    return m.GetRPCMethodsResponse(("Inform", *names))


def _acknowledge(request: m.Request) -> m.Response:
    """The response of a method whose response has no arguments."""
    return request.response()


_METHODS: dict[type[m.Request], Callable[[Any], m.Response]] = {
    m.GetRPCMethods: _rpc_methods,
    m.TransferComplete: _acknowledge,
    m.AutonomousTransferComplete: _acknowledge,
    m.Kicked: lambda request: m.KickedResponse(request.next),
    m.RequestDownload: _acknowledge,
    m.DUStateChangeComplete: _acknowledge,
    m.AutonomousDUStateChangeComplete: _acknowledge,
}
"""The methods that a CPE may call, beside Inform, which opens the session (A.3.3, A.4.2)."""

"""The embedded ACS without HTTP: its devices, their tasks and Connection Requests."""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from sys import intern

from mypy_extensions import mypyc_attr

from caretaker.acs.devices import KnownDevice
from caretaker.acs.parameters import KnownBytes
from caretaker.acs.task import Task
from caretaker.acs.task_rpcs import RPCs, provision
from caretaker.connection_request.client import send_connection_request
from caretaker.cwmp import messages as m
from caretaker.cwmp.faults import FaultCode
from caretaker.errors import DeviceNotFound, FaultError, InputError, TransportError
from caretaker.http.credentials import Credentials
from caretaker.http.endpoint import Address

_log = logging.getLogger(__name__)

MAX_DEVICES = 1_000_000
"""Devices that are known; the session of a further one is refused."""
MAX_IDENTITY = 256
"""Characters of each part of a DeviceId; TR-069 has 64."""
MAX_URL = 1_024
"""Characters of a ConnectionRequestURL; TR-069 has 256, and a longer one is not kept."""
MAX_TASKS = 1_000
"""Tasks that wait for one device."""
SESSION_SECONDS = 120.0
"""How long a task waits for the end of the session that does it, as in GenieACS."""


@mypyc_attr(allow_interpreted_subclasses=True)
class ACS:
    """
    The devices, and the tasks and Connection Requests to them.

    Args:
        provisioning: whether each device is given credentials for Connection Requests at its
            first contact.
        allowed_hosts: hosts that Connection Requests may go to, beside the address that a device
            informed from, and loopback for one that informed from there. A CPE could send any
            ConnectionRequestURL.
    """

    def __init__(
        self, *, provisioning: bool = True, allowed_hosts: Iterable[str] = ()
    ) -> None:  # fmt: skip
        self.devices: dict[str, KnownDevice] = {}
        self._known = KnownBytes()
        self._is_full = False
        self._provisioning = provisioning
        self._allowed_hosts = frozenset(allowed_hosts)
        self._secret = secrets.token_bytes(16)

    def device(self, device_id: str) -> KnownDevice:
        """The device of an id; DeviceNotFound if none has informed."""
        device = self.devices.get(device_id)
        if device is None:
            raise DeviceNotFound(device_id)
        return device

    def has_room(self, inform: m.Inform) -> bool:
        """Whether the device of an Inform is known, or can still be; the first no is logged."""
        if len(self.devices) < MAX_DEVICES and self._known.has_room:
            return True
        if inform.device_id.device_id in self.devices:
            return True
        if not self._is_full:
            self._is_full = True
            _log.warning("%d devices are known: no more are taken (HTTP 503)", len(self.devices))
        return False

    def informed(self, inform: m.Inform, peer: str) -> KnownDevice:
        """
        Take an Inform, and return the device that sent it.

        Raises:
            FaultError: 8003, the Inform has no serial number or OUI, or a part of its DeviceId is
                too long.
        """
        about = inform.device_id
        is_long = any(len(part) > MAX_IDENTITY for part in about)
        if is_long or not about.serial_number.strip() or not about.oui.strip():
            raise FaultError(FaultCode.ACS_INVALID_ARGUMENTS)
        now = time.time()
        device_id = about.device_id
        device = self.devices.get(device_id)
        if device is None:
            device = self.devices[device_id] = KnownDevice(device_id, about, now, self._known)
        device.last_inform = now
        device.peer = intern(peer)
        if any(event.event_code == "0 BOOTSTRAP" for event in inform.event):
            device.credentials = None
        device.parameters.learn_values(inform.parameter_list, now)
        for name, value, _ in inform.parameter_list:
            is_url = name.endswith(".ManagementServer.ConnectionRequestURL")
            if is_url and len(name) <= MAX_IDENTITY and len(value) <= MAX_URL:
                device.url = value
                device.root = intern(f"{name.partition('.')[0]}.")
        return device

    def provision(self, device: KnownDevice) -> RPCs | None:
        """The RPCs that give a device its Connection Request credentials; None if it has them."""
        if not self._provisioning or device.credentials is not None or not device.url:
            return None
        password = hashlib.blake2b(device.device_id.encode(), digest_size=12, key=self._secret)
        return provision(device, Credentials(device.device_id, password.hexdigest()))

    def connection_request(self, device_id: str) -> str | None:
        """
        Send a Connection Request; the reason why it failed, None if it was accepted.

        Raises:
            DeviceNotFound: no device of that id has informed.
        """
        device = self.device(device_id)
        try:
            if not self._may_reach(device):
                return _INVALID_URL
            status = send_connection_request(device.url, device.credentials)
        except InputError:
            return _INVALID_URL
        except TransportError:
            return "Device is offline"
        if status in (200, 204):
            return None
        if status == 401:
            return f"{_FAILED}Incorrect connection request credentials"
        return f"{_FAILED}Unexpected status code {status}"

    def _may_reach(self, device: KnownDevice) -> bool:
        """A CPE of another machine must not aim at this one's own services, or at others."""
        host = Address.of(device.url).host
        if host in self._allowed_hosts or host == device.peer:
            return True
        own, peer = _ip_address(host), _ip_address(device.peer)
        return (
            own is not None
            and peer is not None
            and (own == peer or (own.is_loopback and peer.is_loopback))
        )

    def post_task(
        self, device_id: str, task: Task, timeout: float, *, connection_request: bool
    ) -> str | None:
        """
        Queue a task; with ``connection_request`` also call the device and wait for the end.

        Args:
            device_id: of the device.
            task: what to do.
            timeout: seconds to wait until a session begins; its end is waited for, too.
            connection_request: whether to send a Connection Request, and wait.

        Returns:
            None when the task is done; else the reason why it is not, in GenieACS's words.

        Raises:
            DeviceNotFound: no device of that id has informed.
            InputError: too many tasks wait for it already.
        """
        device = self.device(device_id)
        if len(device.tasks) >= MAX_TASKS:
            raise InputError(f"task {task.name}: {MAX_TASKS} tasks wait for this device already")
        device.tasks.append(task)
        if not connection_request:
            return "Accepted"
        if device.session is not None:
            task.begun.set()
        reason = self.connection_request(device_id)
        if reason is not None:
            return reason
        if task.begun.wait(timeout):
            task.ended.wait(SESSION_SECONDS)
        if not task.done:
            return "Task queued but not processed"
        return "Task faulted" if task.fault is not None else None


def _ip_address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a text is, an IPv4 one where it is mapped to IPv6; None for a name."""
    try:
        found = ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


_FAILED = "Connection request error: "
_INVALID_URL = f"{_FAILED}Invalid connection request URL or protocol"

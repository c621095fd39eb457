"""The embedded ACS without HTTP: its devices, their tasks and Connection Requests."""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Iterable
from sys import intern

from mypy_extensions import mypyc_attr

from caretaker.acs.devices import KnownDevice
from caretaker.acs.faults import Fault, fault_id
from caretaker.acs.files import Files
from caretaker.acs.parameters import KnownBytes
from caretaker.acs.presets import Preset
from caretaker.acs.task import Task
from caretaker.acs.task_rpcs import RPCs, provision
from caretaker.connection_request import phrases
from caretaker.connection_request.clients import CLIENTS
from caretaker.connection_request.reported_ways import PLANS, ReportedWays, send_in_turn
from caretaker.connection_request.steps import nobody
from caretaker.connection_request.udp_client import address_of, send_by_udp
from caretaker.connection_request.xmpp_sender import XMPPAccount, XMPPSender
from caretaker.cwmp import messages as m
from caretaker.cwmp.faults import FaultCode
from caretaker.errors import DeviceBusy, DeviceNotFound, FaultError, InputError, TransportError
from caretaker.http.credentials import Credentials
from caretaker.http.endpoint import Address
from caretaker.http.ip_addresses import is_loopback, same_host
from caretaker.http.tls_settings import SYSTEM_TRUST, TLSSettings
from caretaker.way import Way

_log = logging.getLogger(__name__)

MAX_DEVICES = 1_000_000
"""Devices that are known; the session of a further one is refused."""
MAX_IDENTITY = 256
"""Characters of each part of a DeviceId; TR-069 has 64."""
MAX_URL = 1_024
"""Characters of a ConnectionRequestURL; TR-069 has 256, and a longer one is not kept."""
MAX_FILE_HOST = 256
"""Characters of the Host header of a device's Inform; a longer one is not kept."""
MAX_TASKS = 1_000
"""Tasks that wait for one device."""
LOCK_SECONDS = 30.0
"""How long a task waits for the end of a session that is running already, as in GenieACS."""
SESSION_SECONDS = 120.0
"""How long a task waits for the end of the session that does it, as in GenieACS."""
QUEUED = "Task queued but not processed"
BOOTSTRAP, BOOT = "0 BOOTSTRAP", "1 BOOT"
_URL = ".ManagementServer.ConnectionRequestURL"


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
        cr_client: which of ``CLIENTS`` and ``PLANS`` send Connection Requests.
        cr_tls: of Connection Requests to https URLs.
        watches_ways: whether each device is asked at its first contact by which ways it can be
            reached, and told to report when these change.
        cr_xmpp: the account that Connection Requests over XMPP are sent from; without one a
            device's ConnReqJabberID is passed over. ``cr_tls`` verifies its server, and
            ``allowed_hosts`` may be domains of devices beside its own.
    """

    def __init__(
        self,
        *,
        provisioning: bool = True,
        allowed_hosts: Iterable[str] = (),
        cr_client: str = "tolerant",
        cr_tls: TLSSettings = SYSTEM_TRUST,
        watches_ways: bool = False,
        cr_xmpp: XMPPAccount | None = None,
    ) -> None:
        self.devices: dict[str, KnownDevice] = {}
        self.files = Files()
        self.presets: dict[str, Preset] = {}
        self.provisions: dict[str, str] = {}
        """Scripts by name; they are kept, and never run."""
        self.faults: dict[str, Fault] = {}
        """By their ids."""
        self._known = KnownBytes()
        self._is_full = False
        self._provisioning = provisioning
        self._allowed_hosts = hosts = frozenset(map(same_host, allowed_hosts))
        self._xmpp = None if cr_xmpp is None else XMPPSender(cr_xmpp, cr_tls, hosts)
        self._cr_client = cr_client
        self._cr_tls = cr_tls
        self._watches_ways = watches_ways
        self._secret = secrets.token_bytes(16)
        self._senders = {
            Way.HTTP: self._by_http,
            Way.UDP: self._by_udp,
            Way.XMPP: self._by_xmpp,
        }

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

    def informed(self, inform: m.Inform, peer: str, file_host: str = "") -> KnownDevice:
        """
        Take an Inform, and return the device that sent it.

        Args:
            inform: what it sent.
            peer: the IP address that it came from.
            file_host: the host and port as which the device knows the ACS.

        Raises:
            FaultError: 8003, the Inform has no serial number or OUI, or a part of its DeviceId is
                too long.
        """
        about = inform.device_id
        is_long = max(map(len, about)) > MAX_IDENTITY
        if is_long or not about.serial_number.strip() or not about.oui.strip():
            raise FaultError(FaultCode.ACS_INVALID_ARGUMENTS)
        now = time.time()
        device_id = about.device_id
        device = self.devices.get(device_id)
        if device is None:
            device = self.devices[device_id] = KnownDevice(device_id, about, now, self._known)
        device.peer = intern(peer)
        if len(file_host) <= MAX_FILE_HOST:
            device.file_host = intern(file_host)
        if BOOTSTRAP in [event.event_code for event in inform.event]:
            device.credentials = None
            device.parameters.forget("")  # all may be as in the factory
        device.parameters.learn_values(inform.parameter_list, now)
        urls = [value for value in inform.parameter_list if value[0].endswith(_URL)]
        for name, url, _ in urls:
            if len(name) <= MAX_IDENTITY and len(url) <= MAX_URL:
                device.url = url
                device.root = intern(f"{name.partition('.')[0]}.")
        return device

    def provision(self, device: KnownDevice) -> RPCs | None:
        """The RPCs that give a device its Connection Request credentials; None if it has them."""
        if not self._provisioning or device.credentials is not None or not device.url:
            return None
        password = hashlib.blake2b(device.device_id.encode(), digest_size=12, key=self._secret)
        credentials = Credentials(device.device_id, password.hexdigest())
        return provision(device, credentials, watches_ways=self._watches_ways)

    def presets_for(self, device: KnownDevice, inform: m.Inform) -> list[Preset]:
        """The presets to apply to a device, lightest first; none of a channel with a fault."""
        if not self.presets:
            return []
        document = device.document()
        codes = frozenset(event.event_code for event in inform.event)
        fitting = [
            preset
            for preset in self.presets.values()
            if preset.fits(document, codes)
            and fault_id(device.device_id, preset.channel) not in self.faults
        ]
        return sorted(fitting, key=lambda preset: preset.weight)

    def failed(self, device: KnownDevice, channel: str, error: FaultError) -> None:
        """Keep the fault of a task or preset until someone deletes it or retries."""
        fault = Fault(device.device_id, channel, error, time.time())
        self.faults[fault.fault_id] = fault

    def session_over(self, device: KnownDevice, inform: m.Inform, seconds: float) -> None:
        """Note what a document tells of a session; only its end shows it, as in GenieACS."""
        device.last_inform = seconds
        for event in inform.event:
            if event.event_code == BOOT:
                device.last_boot = seconds
            elif event.event_code == BOOTSTRAP:
                device.last_bootstrap = seconds

    # What operators do beside posting tasks; DeviceBusy if the device is in a session.

    def task(self, task_id: str) -> tuple[KnownDevice, Task] | None:
        """A task that waits or has failed, and its device; None if there is none of that id."""
        for device in self.devices.values():
            for task in device.tasks:
                if task.task_id == task_id:
                    return device, task
        return None

    def retry(self, device: KnownDevice, task: Task) -> None:
        """Have the next session do a task again."""
        _must_be_idle(device)
        self.faults.pop(fault_id(device.device_id, task.channel), None)
        task.retry()

    def delete_task(self, device: KnownDevice, task: Task) -> None:
        """Delete a task and its fault."""
        self.retry(device, task)
        device.tasks.remove(task)

    def delete_fault(self, wanted: str) -> None:
        """Delete a fault, and the task that it is of; nothing if there is none of that id."""
        fault = self.faults.get(wanted)
        if fault is None:
            return
        device = self.devices[fault.device_id]
        _must_be_idle(device)
        device.tasks = [task for task in device.tasks if task.channel != fault.channel]
        del self.faults[wanted]

    def delete_device(self, device_id: str) -> None:
        """Forget a device with its tasks and faults; nothing if it is not known."""
        device = self.devices.get(device_id)
        if device is None:
            return
        _must_be_idle(device)
        del self.devices[device_id]
        device.give_back()
        for fault in [fault for fault in self.faults.values() if fault.device_id == device_id]:
            del self.faults[fault.fault_id]

    # Connection Requests and tasks.

    def connection_request(self, device_id: str) -> str | None:
        """
        Send a Connection Request; the reason why it failed, None if it was accepted.

        Raises:
            DeviceNotFound: no device of that id has informed.
        """
        device = self.device(device_id)
        ways = ReportedWays.of(device.url, device.management_value)
        if self._xmpp is None:
            ways = ways.without_jid()
        return send_in_turn(
            PLANS[self._cr_client](ways),
            lambda way: self._send(way, device, ways),
            lambda reason: reason is None,
        )

    def _send(self, way: Way, device: KnownDevice, ways: ReportedWays) -> str | None:
        """Send a Connection Request by a way; the reason why it failed."""
        try:
            return self._senders[way](device, ways)
        except InputError:
            return phrases.INVALID_URL
        except TransportError:  # of HTTP: this machine is out of sockets
            return phrases.OFFLINE

    def _by_http(self, device: KnownDevice, ways: ReportedWays) -> str | None:
        if not self._may_reach(device, Address.of(ways.url.strip().replace(" ", "%20")).host):
            return phrases.INVALID_URL
        return CLIENTS[self._cr_client](ways.url, device.credentials, nobody, self._cr_tls)

    def _by_udp(self, device: KnownDevice, ways: ReportedWays) -> str | None:
        if not self._may_reach(device, address_of(ways.udp_address).host):
            return phrases.INVALID_URL
        send_by_udp(ways.udp_address, device.credentials or Credentials("", ""))
        return None

    def _by_xmpp(self, device: KnownDevice, ways: ReportedWays) -> str | None:
        assert self._xmpp is not None  # without it no device has a JID
        return self._xmpp.send(ways.jid, device.credentials or Credentials("", ""))

    def close(self) -> None:
        """Close the stream to the XMPP server."""
        if self._xmpp is not None:
            self._xmpp.close()

    def _may_reach(self, device: KnownDevice, host: str) -> bool:
        """A CPE of another machine must not aim at this one's own services, or at others."""
        if host in self._allowed_hosts or same_host(host) == same_host(device.peer):
            return True
        return is_loopback(host) and is_loopback(device.peer)

    def post_task(
        self, device_id: str, task: Task, timeout: float, *, connection_request: bool
    ) -> str | None:
        """
        Queue a task; with ``connection_request`` also call the device and wait for the end.

        Args:
            device_id: of the device.
            task: what to do.
            timeout: seconds to wait until a session begins. A session that is running already is
                waited for before, and the end of the session after.
            connection_request: whether to send a Connection Request, and wait.

        Returns:
            None when the task is done; else the reason why it is not, in GenieACS's words.

        Raises:
            DeviceNotFound: no device of that id has informed.
            InputError: too many tasks wait for it already.
        """
        device = self.device(device_id)
        is_idle = not connection_request or _is_idle_within(device, LOCK_SECONDS)
        if len(device.tasks) >= MAX_TASKS:
            raise InputError(f"task {task.name}: {MAX_TASKS} tasks wait for this device already")
        device.tasks.append(task)
        if not connection_request:
            return "Accepted"
        if not is_idle:
            return QUEUED
        reason = self.connection_request(device_id)
        if reason is not None:
            return reason
        if task.begun.wait(timeout):
            task.ended.wait(SESSION_SECONDS)
        if not task.done:
            return QUEUED
        return "Task faulted" if task.fault is not None else None


def _must_be_idle(device: KnownDevice) -> None:
    if device.session is not None:
        raise DeviceBusy(device.device_id)


def _is_idle_within(device: KnownDevice, seconds: float) -> bool:
    """Wait until no session runs with a device; whether that is so in time."""
    deadline = time.monotonic() + seconds
    while device.session is not None:
        left = deadline - time.monotonic()
        if left <= 0 or not device.session.wait_until_over(left):
            return False
    return True

"""
A fleet of CPEs for plain Python programs and notebooks.

``Fleet`` is a shard, its Connection Request server and a loop to run them, behind methods that any
thread may call. Under Locust the workers use these parts directly (``caretaker.swarm``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar

from caretaker.connection_request.server import ConnectionRequestServer
from caretaker.cwmp.messages import EventStruct, Request
from caretaker.device.behavior import DynamicBehavior
from caretaker.device.context import FleetContext
from caretaker.device.cpe import CPE
from caretaker.device.events import EVENTS, UNSOLICITED, is_event_code
from caretaker.device.identity import Identities
from caretaker.device.listed_devices import ListedDevices
from caretaker.device.listed_mix import ListedMix
from caretaker.device.settings import Behaviors, TransferSettings
from caretaker.engine.engine_use import EngineUse
from caretaker.engine.file_transfer import FileTransferClient
from caretaker.engine.open_transport import make_open_transport
from caretaker.engine.shard import Shard
from caretaker.errors import DeviceNotFound, FaultError, InputError
from caretaker.http.client_certificates import NO_CERTIFICATES, ClientCertificates
from caretaker.http.credentials import Credentials
from caretaker.http.endpoint import Address, Endpoint
from caretaker.http.gevent_loop import Loop
from caretaker.http.io_engine import engine_module
from caretaker.http.ip_addresses import IPVersion
from caretaker.http.server_tls import ServerTLS
from caretaker.http.tls_settings import TLSSettings
from caretaker.http.transport import HTTPTransport, Transport
from caretaker.profiles import ProfileMix, load_profile
from caretaker.stats.records import Sink
from caretaker.stats.results import Results

_T = TypeVar("_T")


@dataclass(frozen=True)
class Device:
    """
    One CPE of a fleet, as ``Fleet.get_device`` describes it.

    Args:
        serial_number: the serial number, which also names the CPE in the fleet.
        device_id: ``OUI-ProductClass-SerialNumber``, percent-encoded.
        profile: the name of the profile.
        connection_request_url: where the CPE takes Connection Requests.
        behavior: what the CPE does by itself, and its pending events.
    """

    serial_number: str
    device_id: str
    profile: str
    connection_request_url: str
    behavior: DynamicBehavior


class Fleet:
    """
    CPEs that inform an ACS and answer its Connection Requests; also a context manager.

    ``spawn_devices`` switches the CPEs on without a connection to the ACS: their events stay
    pending. ``start`` connects them, and their sessions begin.

    Args:
        acs_url: the URL of the ACS.
        count: how many CPEs.
        oui_prefix: what serial numbers begin with: ``FLEET`` for ``FLEET-000001``.
        connection_delay: seconds before a CPE's first session; a pair for a range.
        behaviors: what the CPEs do by themselves; a mapping has the names of ``Behaviors``.
        profiles: ``FILE[:weight]`` or names of built-in profiles; without any, the two default
            profiles.
        seed: random seed; the same seed gives the same fleet.
        credentials: all CPEs use these towards the ACS; without them each CPE has its own.
        connection_request_host, connection_request_port: the address on which the server of the
            CPEs takes Connection Requests; port 0 for any that is free.
        advertise: the host in each ConnectionRequestURL, where it is not the one above.
        connection_request_tls: of that server, whose URLs are https ones then; None for plain HTTP.
        reboot_seconds: the shortest and longest outage of a reboot.
        check_id: whether the ACS must repeat the cwmp:ID; some do not (enodebd).
        timeout: seconds to wait for each answer of the ACS.
        allowed_hosts: other hosts that the ACS may redirect CPEs to, or have them get files from.
        transfers: ``simulated``, or ``real`` to move files to and from these hosts and the ACS.
        transfer_seconds: the shortest and longest duration of a simulated transfer.
        transfer_failures: the share of the simulated transfers that fail, 0 to 1.
        bandwidth: bytes per second of each real transfer; 0 for no limit.
        first_index: the index of the first CPE; 16 for ``FLEET-000017``.
        devices: a list that the CPEs are of (``caretaker.device.device_csv.read_devices``), from
            ``first_index`` on; None for CPEs of their own.
        tls: what connections over TLS use; by default the system's certificates are trusted.
        ip_version: of the addresses that hosts are reached at: any, 4 or 6.
        certificates: those that the CPEs show to the ACS; none by default.
        transport: makes the transport of each session from the arguments of ``HTTPTransport``.
        sink: takes the records instead of ``results``.
        clock: seconds, going forward.

    Raises:
        InputError: an argument can't be used.
    """

    def __init__(
        self,
        acs_url: str,
        count: int = 1,
        *,
        oui_prefix: str = "FLEET",
        connection_delay: float | tuple[float, float] = 0,
        behaviors: Behaviors | Mapping[str, Any] | None = None,
        profiles: Iterable[str] = (),
        seed: int = 0,
        credentials: Credentials | None = None,
        connection_request_host: str = "127.0.0.1",
        connection_request_port: int = 0,
        advertise: str | None = None,
        connection_request_tls: ServerTLS | None = None,
        reboot_seconds: tuple[float, float] = (10.0, 30.0),
        check_id: bool = True,
        timeout: float = 30.0,
        allowed_hosts: Iterable[str] = (),
        transfers: str = "simulated",
        transfer_seconds: tuple[float, float] = (5.0, 30.0),
        transfer_failures: float = 0.0,
        bandwidth: float = 0.0,
        first_index: int = 0,
        devices: ListedDevices | None = None,
        tls: TLSSettings | None = None,
        ip_version: str = IPVersion.ANY,
        certificates: ClientCertificates = NO_CERTIFICATES,
        transport: Callable[..., Transport] = HTTPTransport,
        sink: Sink | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if count < 0:
            raise InputError(f"count {count}: can't be below 0")
        if devices is not None and first_index + count > len(devices):
            raise InputError(f"count {count}: the list has {len(devices)} devices")
        self.results = Results()
        self._first = self._next = first_index
        self._end = first_index + count
        self._delay = connection_delay
        self._clock = clock
        self._loop = Loop()
        sink = sink or self.results
        self.connection_requests = ConnectionRequestServer(
            connection_request_port,
            self._accept,
            self._credentials,
            host=connection_request_host,
            advertise=advertise,
            sink=sink,
            clock=clock,
            loop=self._loop,
            tls=connection_request_tls,
        )
        allowed = frozenset(allowed_hosts)
        identities = Identities(seed, oui_prefix)
        serial_number = (devices or identities).serial_number
        certificates.check(range(first_index, self._end), serial_number)
        secure = replace(tls or TLSSettings(), identity=certificates.source(serial_number))
        self._endpoint = Endpoint(
            Address.of(acs_url), timeout, allowed, secure, clock,
            ip_version=IPVersion.parse(ip_version),
        )  # fmt: skip
        self._context = FleetContext(
            devices=devices,
            identities=identities,
            acs_url=acs_url,
            connection_request_url=self.connection_requests.device_url,
            behaviors=Behaviors.of(behaviors),
            acs_username=credentials.username if credentials else None,
            acs_password=credentials.password if credentials else None,
            reboot_seconds=reboot_seconds,
            wall_offset=time.time() - clock(),
            check_id=check_id,
            on_restart=self._endpoint.lose_tls_sessions,
            transfers=TransferSettings.of(
                transfers, self._endpoint.hosts, transfer_seconds, transfer_failures, bandwidth
            ),
        )
        self._mix = ProfileMix.of(profiles)
        if devices is not None:
            self._mix = ListedMix(self._mix, devices, list(map(load_profile, devices.profiles)))
        self._sink = sink
        self._transport = transport
        self._current_shard: Shard | None = None

    # The life of a fleet.

    def spawn_devices(self) -> list[str]:
        """
        Switch the CPEs on and return their serial numbers.

        Their Connection Request server listens from now on.

        Raises:
            InputError: its address can't be bound.
        """
        shard = self._open_shard()
        return [self._loop.call(self._spawn, shard) for _ in range(self._next, self._end)]

    def add_device(self) -> str:
        """Switch on one more CPE and return its serial number."""
        self._end += 1
        return self.spawn_devices()[-1]

    def _spawn(self, shard: Shard) -> str:
        index = self._next
        self._next += 1
        shard.power_on(index, self._delay_of(index))
        return self._context.serial_number(index)

    def _delay_of(self, index: int) -> float:
        if isinstance(self._delay, tuple):
            rng = self._context.identities.random(index, "connection delay")
            return rng.uniform(*self._delay)
        return self._delay

    def _open_shard(self) -> Shard:
        if self._current_shard is None:
            self._loop.start()
            try:
                self.connection_requests.start()
            except InputError:
                self._loop.stop()
                raise
            self._current_shard = self._loop.call(self._make_shard)
        return self._current_shard

    def _make_shard(self) -> Shard:
        bandwidth = self._context.transfers.bandwidth
        return Shard(
            self._mix,
            self._context,
            make_open_transport(self._endpoint, self._transport),
            self._sink,
            clock=self._clock,
            transfer_client=FileTransferClient(self._endpoint, bandwidth),
            engine=self._engine_use(),
        )

    def _engine_use(self) -> EngineUse | None:
        """What an I/O engine carries; nothing of a program with a transport or clock of its own."""
        if self._transport is not HTTPTransport or self._clock is not time.monotonic:
            return None
        return EngineUse(engine_module(), self._endpoint)

    def start(self) -> Self:
        """Switch on the CPEs that are not on yet, connect all to the ACS, and return the fleet."""
        self.spawn_devices()
        self._loop.call(self._shard.start)
        return self

    def stop_all(self, patience: float = 0.0) -> None:
        """
        Switch all CPEs off and close the Connection Request server.

        Running sessions have ``patience`` seconds to end; then they are cut, as by a power cut.
        """
        if self._current_shard is None:
            return
        self._loop.call(self._current_shard.drain, patience)
        self._loop.call(self._current_shard.stop)
        self.connection_requests.stop()
        self._loop.stop()
        self._current_shard = None
        self._next = self._first

    def __enter__(self) -> Self:
        """Start the fleet, as ``start`` does."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Switch all off."""
        self.stop_all()

    # Called by the Connection Request server, which runs in the same loop.

    @property
    def _shard(self) -> Shard:
        if self._current_shard is None:
            raise DeviceNotFound("the fleet has no devices; call spawn_devices() first")
        return self._current_shard

    def _accept(self, url_name: str) -> None:
        self._shard.connection_request(url_name)

    def _credentials(self, url_name: str) -> Credentials:
        return self._shard.credentials(url_name)

    # Devices.

    def list_devices(self) -> list[str]:
        """The serial numbers of all CPEs that are on."""
        if self._current_shard is None:
            return []
        cpes = self._current_shard.cpes
        return self._loop.call(lambda: [cpe.serial_number for cpe in cpes.values()])

    def get_device(self, serial_number: str) -> Device:
        """
        Describe one CPE.

        Raises:
            DeviceNotFound: no CPE has that serial number.
        """
        cpe = self._shard.cpe(serial_number)
        return Device(
            serial_number,
            cpe.device_id_struct.device_id,
            cpe.profile.name,
            self.connection_requests.device_url(cpe.url_name),
            DynamicBehavior(self._context.behaviors, lambda: cpe.pending),
        )

    def connection_request_credentials(self, serial_number: str) -> Credentials:
        """
        The credentials that a Connection Request to a CPE must show at this time.

        Raises:
            DeviceNotFound: no CPE has that serial number.
        """
        return self._loop.call(self._credentials, self._shard.cpe(serial_number).url_name)

    def trigger_connection_request(self, serial_number: str) -> None:
        """
        Have a CPE accept a Connection Request, as if one had come with good credentials.

        Raises:
            DeviceNotFound: no CPE has that serial number.
            DeviceBusy: the CPE refuses at this time.
        """
        self._loop.call(self._accept, self._shard.cpe(serial_number).url_name)

    def trigger_inform(self, serial_number: str, *event_codes: str) -> None:
        """
        Have a CPE open a session with these events (``2 PERIODIC`` without any).

        Raises:
            DeviceNotFound: no CPE has that serial number.
            InputError: a code is neither in TR-069 nor a vendor's, ``X ...``.
        """
        unknown = [code for code in event_codes if not is_event_code(code)]
        if unknown:
            raise InputError(f"event {unknown[0]!r}: not one of {', '.join(EVENTS)}, 'X ...'")

        def raise_events(cpe: CPE, now: float) -> None:
            for code in event_codes or ("2 PERIODIC",):
                cpe.raise_event(EventStruct(code), now)

        self.call(serial_number, raise_events)

    def trigger_all_informs(self, *event_codes: str) -> None:
        """Have every CPE open a session with these events."""
        for serial_number in self.list_devices():
            self.trigger_inform(serial_number, *event_codes)

    def request(self, serial_number: str, request: Request) -> None:
        """
        Have a CPE open a session and send a request of its own, with the event of that request.

        Raises:
            DeviceNotFound: no CPE has that serial number.
            InputError: a CPE never sends such a request.
        """
        if not isinstance(request, UNSOLICITED):
            names = ", ".join(kind.__name__ for kind in UNSOLICITED)
            raise InputError(f"request {type(request).__name__}: not one of {names}")
        self.call(serial_number, lambda cpe, now: cpe.ask(request, now))

    def call(self, serial_number: str, act: Callable[[CPE, float], _T]) -> _T:
        """
        Call a function with a CPE and the time, in the fleet's loop, and return its result.

        A session that it makes due begins at once. The function must not wait for anything.

        Raises:
            DeviceNotFound: no CPE has that serial number.
        """
        result: _T = self._loop.call(self._call, serial_number, act)
        return result

    def _call(self, serial_number: str, act: Callable[[CPE, float], _T]) -> _T:
        cpe = self._shard.cpe(serial_number)
        self._shard.scheduler.catch_up(cpe.index)  # the ACS may have accepted an Inform by now
        result = act(cpe, self._clock())
        self._shard.reschedule(cpe)
        return result

    def get_param(self, serial_number: str, path: str) -> str:
        """
        The value of a parameter of a CPE, also of one that reads empty to an ACS (passwords).

        Raises:
            DeviceNotFound: no CPE has that serial number.
            InputError: the CPE has no such parameter.
        """
        cpe = self._shard.cpe(serial_number)
        if cpe.parameter(path) is None:
            raise InputError(f"parameter {path!r}: {cpe.profile.name} has none of that name")
        return self._loop.call(cpe.value, path, self._clock())

    def update_param(self, serial_number: str, path: str, value: str) -> None:
        """
        Change a parameter of a CPE from inside, as its user or its environment would.

        Raises:
            DeviceNotFound: no CPE has that serial number.
            InputError: no such parameter, or the value is not of its type.
        """
        try:
            self.call(serial_number, lambda cpe, now: cpe.change(path, value, now))
        except FaultError as error:
            raise InputError(
                f"parameter {path!r} to {value!r}: fault {error.fault_code}"
            ) from error

    def stats(self) -> dict[str, int]:
        """How many CPEs there are, and sessions so far by outcome."""
        counters = self.results.counters
        outcomes = ("started", "succeeded", "failed", "shed", "abandoned")
        return {
            "devices": len(self.list_devices()),
            **{f"sessions_{outcome}": counters[f"sessions.{outcome}"] for outcome in outcomes},
        }

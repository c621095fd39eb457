"""
Limits of this machine (descriptors, ports, queues), compared with the load that a run plans.

A limit that is reached looks like a slow or broken ACS. So the limits are checked at the start, and
each warning contains the command that raises the limit (docs/limits.md).
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from caretaker.device.reachability import Reach
from caretaker.http.endpoint import Address
from caretaker.http.ip_addresses import is_loopback
from caretaker.http.source_addresses import hosts
from caretaker.plain_numbers import is_digits
from caretaker.profiles import ProfileMix

if TYPE_CHECKING:
    from caretaker.profiles.profile import Profile
    from caretaker.swarm.options import Settings

DESCRIPTORS_PER_SESSION = 2
"""One for its connection, one kept for Connection Requests, the driver, Locust and files."""
LEAST_DESCRIPTORS = 32
"""Of a process of a run: Locust's sockets, pipes and files, and some sessions."""
BACKLOG = 1_024
"""Connection Requests that may wait to be accepted."""
TIME_WAIT_SECONDS = 60
"""Seconds that Linux keeps the port of a connection which this side closed first."""
REUSE_SECONDS = 1
"""Seconds after which tcp_tw_reuse allows such a port again."""
TRACKED_SECONDS = 120
"""Seconds that the firewall's table keeps a closed connection."""
_LOOPBACK_ONLY = 2
"""Of ``tcp_tw_reuse``."""
_SAMPLE = 100
"""CPEs whose profiles stand for those of the whole fleet."""


class PlannedLoad(NamedTuple):
    """
    The load that a run plans for this machine.

    Args:
        sessions_at_once: sessions of each worker, including transfers that move bytes.
        per_second: sessions that begin per second when all CPEs are on.
        storm_per_second: sessions that begin per second while CPEs boot.
        storm: sessions that begin because CPEs boot, in all.
        sources: number of local addresses to connect from.
        loopback: whether the ACS is on this machine.
        held: sockets that the CPEs of each worker hold, beside those of sessions: for STUN, where
            each has its own, and to the XMPP server.
    """

    sessions_at_once: int
    per_second: float
    storm_per_second: float = 0.0
    storm: int = 0
    sources: int = 1
    loopback: bool = True
    held: int = 0

    @property
    def descriptors(self) -> int:
        """File descriptors that each worker needs."""
        return self.sessions_at_once * DESCRIPTORS_PER_SESSION + self.held

    def within(self, seconds: float) -> int:
        """The most sessions that can begin within a period of so many seconds."""
        storm = min(self.storm, self.storm_per_second * seconds)
        return ceil(max(storm, 0.0) + self.per_second * seconds)


class HostLimits(NamedTuple):
    """
    The limits of a machine; None where the system does not show one.

    Args:
        descriptors: file descriptors of one process (RLIMIT_NOFILE).
        ports: size of ``ip_local_port_range``, from which the ports of connections are chosen.
        reuse: ``tcp_tw_reuse``: 0 never, 1 always, 2 on loopback.
        backlog: ``somaxconn``.
        tracked: ``nf_conntrack_max``; None where no connection is tracked.
    """

    descriptors: int
    ports: int | None = None
    reuse: int | None = None
    backlog: int | None = None
    tracked: int | None = None

    @classmethod
    def here(cls, settings: Path = Path("/proc/sys/net")) -> HostLimits:
        """The limits of this machine."""
        ports = _numbers(settings / "ipv4/ip_local_port_range")
        tracks = any(_numbers(settings / "netfilter/nf_conntrack_count"))
        return cls(
            descriptors=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
            ports=ports[1] - ports[0] + 1 if len(ports) == 2 else None,
            reuse=_first(settings / "ipv4/tcp_tw_reuse"),
            backlog=_first(settings / "core/somaxconn"),
            tracked=_first(settings / "netfilter/nf_conntrack_max") if tracks else None,
        )


def _numbers(path: Path) -> list[int]:
    try:
        return [int(word) for word in path.read_text().split()]
    except (OSError, ValueError):
        return []


def _first(path: Path) -> int | None:
    return next(iter(_numbers(path)), None)


def sessions_that_fit(wanted: int, held: int = 0) -> int:
    """
    The number of sessions that this process can run at once.

    Without this bound a process runs out of descriptors, and then can't even read its memory use.

    Args:
        wanted: at most.
        held: sockets that CPEs hold beside those of sessions.
    """
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft == resource.RLIM_INFINITY:
        return wanted
    return max(1, min(wanted, (soft - held) // DESCRIPTORS_PER_SESSION))


def too_few_descriptors() -> str | None:
    """Why no run can begin, if its processes may not open enough files."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # to which each raises its own limit
    if most == resource.RLIM_INFINITY or most >= LEAST_DESCRIPTORS:
        return None
    return (
        f"a process may open {most} files here, and a run needs {LEAST_DESCRIPTORS}: "
        "raise the hard limit (ulimit -Hn); docs/limits.md says how many are good"
    )


def _descriptors(plan: PlannedLoad, machine: HostLimits) -> str | None:
    needed = plan.descriptors
    if machine.descriptors >= needed or machine.descriptors == resource.RLIM_INFINITY:
        return None
    if plan.held:
        return (
            f"{machine.descriptors} descriptors, each worker needs {needed}: {plan.held} for the "
            "STUN sockets and XMPP connections of its CPEs, the others for --max-sessions: "
            f"ulimit -n {needed}, or more workers"
        )
    fit = machine.descriptors // DESCRIPTORS_PER_SESSION
    return (
        f"{machine.descriptors} descriptors let each worker run {fit} sessions at once, not "
        f"{plan.sessions_at_once}; more wait: ulimit -n {needed}, or a lower --max-sessions"
    )


def _ports(plan: PlannedLoad, machine: HostLimits) -> str | None:
    if machine.ports is None:
        return None
    early = machine.reuse == 1 or (machine.reuse == _LOOPBACK_ONLY and plan.loopback)
    seconds = REUSE_SECONDS if early else TIME_WAIT_SECONDS
    needed, available = plan.within(seconds), machine.ports * plan.sources
    if needed <= available:
        return None
    return (
        f"{available} local ports, {needed} are needed, as each is kept {seconds} s after its "
        "session unless the ACS closes first: sysctl -w net.ipv4.tcp_tw_reuse=1 "
        "net.ipv4.ip_local_port_range='1024 65535', or more addresses with --source-address"
    )


def _backlog(_: PlannedLoad, machine: HostLimits) -> str | None:
    if machine.backlog is None or machine.backlog >= BACKLOG:
        return None
    return (
        f"{machine.backlog} Connection Requests can wait to be accepted: "
        f"sysctl -w net.core.somaxconn={BACKLOG}"
    )


def _tracking(plan: PlannedLoad, machine: HostLimits) -> str | None:
    needed = plan.within(TRACKED_SECONDS)
    if machine.tracked is None or needed <= machine.tracked:
        return None
    return (
        f"the firewall tracks {machine.tracked} connections, {needed} are needed: "
        f"sysctl -w net.netfilter.nf_conntrack_max={2 * needed}"
    )


CHECKS: tuple[Callable[[PlannedLoad, HostLimits], str | None], ...] = (
    _descriptors,
    _ports,
    _backlog,
    _tracking,
)
"""All checks; each returns its warning with the command that raises the limit, or None."""


def plan_of(
    settings: Settings, host: str, users: int, spawn_rate: float, workers: int = 1
) -> PlannedLoad:
    """The load that a run plans for this machine, if all its workers are on it."""
    address = Address.of(host)
    cpes = users * settings.cpes_per_user
    boots_per_second = spawn_rate * settings.cpes_per_user
    shortest, longest = settings.boot_delay
    if longest > shortest:
        boots_per_second = min(boots_per_second, cpes / (longest - shortest))
    return PlannedLoad(
        sessions_at_once=settings.max_sessions * (1 + (settings.transfers == "real")),
        per_second=cpes * _informs_per_second(settings) + settings.highest_cr_rate,
        storm_per_second=boots_per_second,
        storm=cpes if settings.start == "factory" else 0,
        sources=max(1, sum(len(hosts(network)) for network in settings.source_addresses)),
        loopback=all(is_loopback(found[0]) for _, found in address.resolve(settings.ip_version)),
        held=held_sockets(settings, users, workers),
    )


def held_sockets(settings: Settings, users: int, workers: int) -> int:
    """The sockets that CPEs of each worker have all the time, beside those of sessions."""
    if settings.reach is None:
        return 0
    kinds = (Reach.XMPP, *([Reach.STUN] if settings.stun_sockets == "each" else []))
    return ceil(users * settings.cpes_per_user * settings.reach.share(*kinds) / max(1, workers))


def _informs_per_second(settings: Settings) -> float:
    """Periodic Informs of one CPE per second, as the mean over the profiles."""
    if settings.inform_interval is not None:
        return 1 / settings.inform_interval if settings.inform_interval else 0.0
    mix = ProfileMix.choose(settings.profiles)
    intervals = [_interval(mix[index]) for index in range(_SAMPLE)]
    return sum(1 / interval for interval in intervals if interval) / _SAMPLE


def _interval(profile: Profile) -> float:
    parameter = profile.model.parameter(f"{profile.management_server}PeriodicInformInterval", None)
    text = parameter.value if parameter is not None else ""
    return float(text) if is_digits(text) else 0.0


def warnings(plan: PlannedLoad, machine: HostLimits) -> list[str]:
    """The warnings of all checks that fail, one line each."""
    results = (check(plan, machine) for check in CHECKS)
    return [text for text in results if text is not None]

"""
Hosts of a network of their own: network namespaces of Linux around a router, made and removed here.

Each host has one address, and all packets between two of them go through the router's namespace,
which can drop them in one direction or in both. Nothing reaches the machine's own network.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from itertools import count
from typing import Self

_NETWORK = "198.18"
"""Of the addresses: the range for benchmarks of RFC 2544."""
_numbers = count()


class NamespaceError(Exception):
    """There can be no such hosts here; the text says why."""


def ip(*arguments: str) -> str:
    """
    What the ``ip`` of iproute2 prints.

    Raises:
        NamespaceError: it has failed, or is not there.
    """
    return _run("ip", *arguments)


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError as error:
        raise NamespaceError(f"{command[0]}: {error.strerror}") from error
    if done.returncode:
        raise NamespaceError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def why_not() -> str:
    """Why this machine can have no such hosts; empty if it can."""
    if os.name != "posix" or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "network namespaces need ip, of iproute2"
    try:
        with HostNetwork() as network:
            network.add("probe")
    except NamespaceError as error:
        return f"no network namespaces here: {error}"
    return ""


class Host:
    """
    A host: its name, its address, and how processes are started on it.

    Args:
        router: the namespace between all hosts.
        name: of the host's namespace.
        number: of its network.
    """

    def __init__(self, router: str, name: str, number: int) -> None:
        self.address = f"{_NETWORK}.{number}.2"
        named = ("unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', name)
        self.prefix = ("ip", "netns", "exec", name, *named)
        """What stands before a command that is to run on it, by a name of its own."""
        self.name = name
        """Of the namespace, and what the host calls itself."""
        self._router, self._link = router, f"to{number}"
        gateway = f"{_NETWORK}.{number}.1"
        ip("netns", "add", name)
        ip("-n", router, "link", "add", self._link, "type", "veth", "peer", "eth0", "netns", name)
        ip("-n", router, "addr", "add", f"{gateway}/24", "dev", self._link)
        ip("-n", router, "link", "set", self._link, "up")
        ip("-n", name, "addr", "add", f"{self.address}/24", "dev", "eth0")
        for link in ("lo", "eth0"):
            ip("-n", name, "link", "set", link, "up")
        ip("-n", name, "route", "add", "default", "via", gateway)

    def unplug(self) -> None:
        """Take its link down, as when it has lost its power."""
        ip("-n", self._router, "link", "set", self._link, "down")

    def impair(self, delay_ms: float, loss_percent: float) -> None:
        """
        Delay what is sent to it, and lose some.

        Raises:
            NamespaceError: the kernel has no netem.
        """
        what = ("delay", f"{delay_ms:g}ms", "loss", f"{loss_percent:g}%")
        link = ("-n", self._router, "qdisc", "add", "dev", self._link, "root", "netem")
        _run("tc", *link, *what)


class HostNetwork:
    """
    Hosts around a router; a context manager that removes all of it.

    Args:
        delay_ms: of each packet to a host.
        loss_percent: of the packets to a host.

    Raises:
        NamespaceError: the machine or its user can't have it.
    """

    def __init__(self, delay_ms: float = 0.0, loss_percent: float = 0.0) -> None:
        self._impairment = (delay_ms, loss_percent)
        self.unimpaired = ""
        """Why there is neither delay nor loss; empty if there is, or if none is wanted."""
        self._prefix = f"caretaker-{os.getpid()}-{next(_numbers)}"
        self._router = f"{self._prefix}-hub"
        self.hosts: list[Host] = []
        self._cuts: list[list[str]] = []

    def __enter__(self) -> Self:
        """Make the router."""
        ip("netns", "add", self._router)
        try:
            forward = "echo 1 > /proc/sys/net/ipv4/ip_forward"
            ip("netns", "exec", self._router, "sh", "-c", forward)
        except BaseException:
            self.__exit__()
            raise
        return self

    def add(self, name: str) -> Host:
        """A new host."""
        made = Host(self._router, f"{self._prefix}-{name}", len(self.hosts))
        self.hosts.append(made)
        if any(self._impairment):
            try:
                made.impair(*self._impairment)
            except NamespaceError as error:
                self.unimpaired = str(error)
        return made

    def cut(self, source: Host | None, target: Host | None) -> None:
        """Drop what a host sends to another one; None stands for all hosts."""
        rule = _between(source, target)
        ip("-n", self._router, "rule", "add", *rule, "blackhole")
        self._cuts.append(rule)

    def heal(self) -> None:
        """Drop nothing any more."""
        while self._cuts:
            ip("-n", self._router, "rule", "del", *self._cuts.pop())

    def __exit__(self, *_: object) -> None:
        """Remove all namespaces of this network, those of a host that was half made, too."""
        for line in ip("netns", "list").splitlines():
            name = line.split()[0]
            if name.startswith(f"{self._prefix}-"):
                with suppress(NamespaceError):
                    ip("netns", "del", name)


def _between(source: Host | None, target: Host | None) -> list[str]:
    """What ``ip rule`` calls the packets from one host to another."""
    ends = (("from", source), ("to", target))
    return [word for side, host in ends if host is not None for word in (side, host.address)]

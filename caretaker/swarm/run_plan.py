"""What a run will do, before it does anything (``--dry-run``), and whether its ACS is elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import psutil

from caretaker.device.identity import Identities
from caretaker.http.endpoint import Address
from caretaker.http.ip_addresses import bracketed, same_host
from caretaker.profiles.loader import chosen
from caretaker.reporting.number_text import readable
from caretaker.swarm.fleet_memory import bytes_of, check_memory
from caretaker.swarm.host_limits import (
    HostLimits,
    PlannedLoad,
    plan_of,
    warnings,
)
from caretaker.swarm.options import Settings
from caretaker.swarm.parsed_options import LocustOptions
from caretaker.swarm.run_length import check_run_time

_EMBEDDED = "http://127.0.0.1:1/"
"""Stands for the embedded ACS, whose port nobody knows yet."""
_WIDTH = 20


class RunPlan(NamedTuple):
    """
    A run that has not begun.

    Args:
        settings: of it.
        locust: options of Locust for it.
        host: URL of the ACS; empty for the embedded one.
        is_checked: whether one CPE goes to the ACS first.
    """

    settings: Settings
    locust: LocustOptions
    host: str
    is_checked: bool = False

    @property
    def cpes(self) -> int:
        """CPEs of the whole fleet."""
        return (self.locust.num_users or 0) * self.settings.cpes_per_user

    @property
    def load(self) -> PlannedLoad:
        """The load that it plans."""
        users, rate = self.locust.num_users or 0, self.locust.spawn_rate or 0.0
        return plan_of(self.settings, self.host or _EMBEDDED, users, rate, self.locust.workers)

    @property
    def is_elsewhere(self) -> bool:
        """Whether its ACS is not on this machine's loopback."""
        return bool(self.host) and not self.load.loopback

    @property
    def is_here(self) -> bool:
        """Whether all its workers are on this machine."""
        return bool(self.locust.processes) or not self.locust.master

    def check(self) -> None:
        """
        Check what the master of the run will check.

        Raises:
            InputError: the run can't be as it is planned.
        """
        settings, locust = self.settings, self.locust
        settings.check_warm_up(locust.run_time)
        check_run_time(settings, locust)
        settings.check_devices(locust.num_users)
        settings.check_reach()
        settings.check_sender(is_embedded=not self.host)
        if self.host:
            settings.check_driver()
        if self.is_here:
            available = psutil.virtual_memory().available
            users, per_user = locust.num_users or 0, settings.cpes_per_user
            check_memory(users, per_user, available, settings.reach, has_acs=not self.host)

    def target(self) -> str:
        """The ACS, by its host, its port and the addresses that the name stands for."""
        address = Address.of(self.host)
        reached = address.resolve(self.settings.ip_version)
        found = dict.fromkeys(same_host(to[0]) for _, to in reached)
        others = [text for text in found if text != address.host]
        known_as = f" ({', '.join(others)})" if others else ""
        return f"{bracketed(address.host)}:{address.port}{known_as}"

    def size_and_rate(self) -> str:
        """How large and how fast it is, for one line."""
        length = f"for {self.length()}" if self.locust.run_time else "without an end"
        return f"{readable(self.cpes)} CPEs, {', '.join(self.rates())}, {length}"

    def rates(self) -> Iterator[str]:
        """What begins in a second."""
        load, cr_rate = self.load, self.settings.highest_cr_rate
        if load.storm:
            yield f"first contacts {readable(load.storm_per_second)}/s"
        yield f"periodic Informs {readable(round(load.per_second - cr_rate, 3))}/s"
        if self.settings.cr_driver != "off" and cr_rate:
            most = "up to " if self.settings.cr_stages else ""
            yield f"Connection Requests {most}{readable(cr_rate)}/s"

    def length(self) -> str:
        """How long it takes."""
        return (
            f"{readable(self.locust.run_time)} s" if self.locust.run_time else "until it is ended"
        )


def lines(plan: RunPlan) -> list[str]:
    """The plan as text, a line for each of its parts."""
    return [f"{name:<{_WIDTH}}{text}" for name, text in _parts(plan)]


def _parts(plan: RunPlan) -> Iterator[tuple[str, str]]:
    settings, locust = plan.settings, plan.locust
    yield "ACS", plan.target() if plan.host else "the embedded one, on this machine"
    yield "Fleet", f"{readable(plan.cpes)} CPEs: {', '.join(_fleet(plan))}"
    yield "Rates", ", ".join(plan.rates())
    stages = ", ".join(map(str, settings.stages))
    yield "Length", f"{plan.length()}{f': stages {stages}' if stages else ''}"
    if settings.scenario.text:
        yield "Scenario", settings.scenario.text
    yield "Processes", ", ".join(_processes(plan))
    yield "Resources", ", ".join(_resources(plan))
    for text in warnings(plan.load, HostLimits.here()) if plan.is_here else ():
        yield "  too small", text
    yield from (("Touches", text) for text in _touches(plan))
    written = [str(path) for path in _written(settings, locust)]
    yield "Writes", ", ".join(written) or "no file"
    if not locust.begins_at_once:
        yield "Begins", "when it is started in the web UI, which can change it"


def _fleet(plan: RunPlan) -> Iterator[str]:
    settings, locust = plan.settings, plan.locust
    yield f"{readable(locust.num_users)} users with {readable(settings.cpes_per_user)} each"
    if settings.devices is not None:
        yield f"the first rows of {settings.devices}"
    elif plan.cpes:
        serial_number = Identities(prefix=settings.serial_prefix).serial_number
        yield f"{serial_number(0)} to {serial_number(plan.cpes - 1)}"
    yield f"profiles {' '.join(each.text for each in chosen(settings.profiles))}"
    yield f"from {settings.start}"


def _processes(plan: RunPlan) -> Iterator[str]:
    locust = plan.locust
    if not plan.is_here:
        yield "the master; workers are started by hand"
    elif locust.processes:
        yield f"a master and {locust.workers} workers"
    else:
        yield "one"
    if not plan.host:
        yield "the embedded ACS"
    if plan.settings.cr_router is not None and plan.settings.cr_routes is None:
        yield f"a router at {plan.settings.cr_router}"


def _resources(plan: RunPlan) -> Iterator[str]:
    settings = plan.settings
    users, per_user = plan.locust.num_users or 0, settings.cpes_per_user
    needed = bytes_of(users, per_user, settings.reach, has_acs=not plan.host)
    where = f" of {_gigabytes(psutil.virtual_memory().available)} free" if plan.is_here else ""
    yield f"memory {_gigabytes(needed)}{where}"
    yield f"{readable(plan.load.descriptors)} descriptors a worker"


def _gigabytes(number: int) -> str:
    return f"{number / 1e9:.2f} GB"


def _touches(plan: RunPlan) -> Iterator[str]:
    settings = plan.settings
    if plan.is_checked:
        yield "the ACS first, with one CPE (--no-check: not)"
    if plan.host:
        yield f"sessions of all CPEs with {plan.target()}, which will know them afterwards"
    if settings.highest_cr_rate and settings.cr_driver == "nbi" and settings.nbi_url:
        yield f"tasks at {Address.of(settings.nbi_url).host_header}"
    if settings.allow_hosts:
        yield f"where the ACS sends CPEs there: {', '.join(settings.allow_hosts)}"
    if settings.transfers == "real":
        yield "files, which move between these hosts and the CPEs"


def _written(settings: Settings, locust: LocustOptions) -> Iterator[object]:
    """The files and folders that it will write."""
    for path in (
        settings.summary_json, settings.report, settings.junit, settings.runs, settings.record,
        settings.state, locust.html_file, locust.logfile,
    ):  # fmt: skip
        if path is not None:
            yield path
    if locust.json_file is not None:
        yield f"{locust.json_file}.json"
    if locust.csv_prefix is not None:
        yield f"{locust.csv_prefix}_*.csv"
    yield from settings.exports

"""
Locust's side of the options: its parser, and the namespace that it sends to its workers.

What Locust has parsed reaches workers with its message that spawns users, after their ``init``
event, and again whenever the web UI changes it.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Self

import psutil

from caretaker.argument_type import argument_type
from caretaker.errors import InputError
from caretaker.http.ip_addresses import LOOPBACK
from caretaker.plain_numbers import port, whole
from caretaker.run_token import FLAG, VARIABLE, RunToken
from caretaker.swarm import option_addresses as addresses
from caretaker.swarm import option_files as files
from caretaker.swarm import option_values as values
from caretaker.swarm.devices_file import DevicesOffer
from caretaker.swarm.options import OPTIONS
from caretaker.swarm.profile_offer import ProfileOffer
from caretaker.swarm.stages import highest_speed, most_of, seconds_of


def live_cr_rate(parsed_options: argparse.Namespace) -> float:
    """``--cr-rate`` now; the web UI can change it while a run goes on."""
    rate: float = OPTIONS["cr_rate"].read(vars(parsed_options).get("cr_rate"))
    return rate


class LocustOptions(NamedTuple):
    """
    The options of Locust's own that a run depends on, by their names in the namespace.

    The web UI can change the first three. A field has its default where Locust is used as a
    library, without a command line.
    """

    num_users: int | None = None
    spawn_rate: float | None = None
    run_time: float | None = None
    """Seconds."""
    processes: int | None = None
    """Workers that the master forks; -1 for one on each core."""
    exit_code_on_error: int = 1
    headless: bool = False
    autostart: bool = False
    autoquit: int = -1
    """Seconds from the end of the run to that of the web UI; -1 where the web UI stays."""
    locustfile: str = "locustfile.py"
    web_host: str = LOOPBACK
    web_port: int = 8089
    web_login: bool = False
    tls_cert: str | None = None
    """Of the web UI, which then speaks https."""
    master: bool = False
    master_bind_host: str = LOOPBACK
    master_bind_port: int = 5557
    csv_prefix: str | None = None
    """What the names of Locust's CSV files begin with."""
    html_file: str | None = None
    json_file: str | None = None
    logfile: str | None = None

    @property
    def begins_at_once(self) -> bool:
        """Whether the command line begins the run; else someone does in the web UI."""
        return self.headless or self.autostart

    @property
    def workers(self) -> int:
        """How many workers this machine has, if it has all."""
        return (psutil.cpu_count() or 1) if self.processes == -1 else self.processes or 1

    @property
    def waits_for_others(self) -> bool:
        """Whether workers of other machines join at any time, and someone begins runs then."""
        return self.master and not (self.processes or self.begins_at_once)

    @classmethod
    def of(cls, parsed_options: argparse.Namespace) -> Self:
        """The values of now."""
        given = vars(parsed_options)
        return cls(**{name: given[name] for name in cls._fields if name in given})

    def public(self) -> dict[str, Any]:
        """By flag, the values that a run can be repeated with."""
        return {
            "--users": self.num_users,
            "--spawn-rate": self.spawn_rate,
            "--run-time": self.run_time,
            "--processes": self.processes,
            "--exit-code-on-error": self.exit_code_on_error,
        }


class RunStart(NamedTuple):
    """
    The start of a run, which workers receive with the options.

    Args:
        number: of the run in this master's life, from 1; 0 before the first one.
        at: seconds since 1970.
        keeps_state: whether the master keeps the state of the CPEs (``--state``).
        profiles: of the run.
        devices: of ``--devices``; None without.
        held: sockets that the CPEs of each worker hold, beside those of sessions, as planned.
    """

    number: int
    at: float
    keeps_state: bool = False
    profiles: tuple[ProfileOffer, ...] = ()
    devices: DevicesOffer | None = None
    held: int = 0

    @classmethod
    def of(cls, parsed_options: argparse.Namespace) -> Self:
        """What the master has put there; now, if nothing."""
        given = vars(parsed_options)
        devices = given.get("caretaker_devices")
        return cls(
            given.get("caretaker_run", 0),
            given.get("caretaker_started", time.time()),
            given.get("caretaker_keeps_state", False),
            tuple(map(ProfileOffer.from_wire, given.get("caretaker_profiles", ()))),
            None if devices is None else DevicesOffer.from_wire(devices),
            given.get("caretaker_held", 0),
        )

    def put(self, parsed_options: argparse.Namespace) -> None:
        """Put it among the options that Locust sends to its workers."""
        vars(parsed_options).update(
            caretaker_run=self.number,
            caretaker_started=self.at,
            caretaker_keeps_state=self.keeps_state,
            caretaker_profiles=[offer.to_wire() for offer in self.profiles],
            caretaker_devices=None if self.devices is None else self.devices.to_wire(),
            caretaker_held=self.held,
        )


def put_run_token(parsed_options: argparse.Namespace) -> None:
    """
    Put the run token among the options, so that workers that are forked then have it, too.

    Raises:
        InputError: it can't be used, or a worker that joins another machine's master has none.
    """
    given = vars(parsed_options)
    token = RunToken.given(given.get("run_token_file"), os.environ)
    if token is None and given.get("worker"):
        cure = f"give the token of its master in {VARIABLE} or with {FLAG}"
        raise InputError(f"--worker: no run token; {cure}")
    given["caretaker_run_token"] = token or RunToken.made()


def take_run_token(parsed_options: argparse.Namespace | None) -> RunToken:
    """Take the run token out of the options, which Locust sends and shows."""
    given = vars(parsed_options) if parsed_options is not None else {}
    token: RunToken | None = given.pop("caretaker_run_token", None)
    return token or RunToken.made()  # without a command line there is none


def put_stages(parsed_options: argparse.Namespace) -> None:
    """Put what stages say of the run's size, rate and length where Locust has its options."""
    given = vars(parsed_options)
    stages = OPTIONS["stages"].read(given.get("stages"))
    if stages:
        given["num_users"] = int(most_of(stages))
        given["spawn_rate"] = highest_speed(stages)
        given["run_time"] = max(1, int(seconds_of(stages)))  # 0 has no end


def put_loopback(parsed_options: argparse.Namespace) -> None:
    """
    Put the loopback address of the run where its servers would bind 127.0.0.1.

    That is ::1 where the run, or this machine, has no IPv4. Workers that are forked join their
    master where it is bound.
    """
    given = vars(parsed_options)
    loopback = OPTIONS["ip_version"].read(given.get("ip_version")).loopback
    for name in _BOUND:
        if given.get(name) == LOOPBACK:
            given[name] = loopback
    if given.get("processes") and not given.get("worker"):
        bound = given["master_bind_host"]
        given["master_host"] = loopback if bound in addresses.ALL_ADDRESSES else bound


_BOUND = ("web_host", "master_bind_host", "cr_host", "metrics_host")
"""The options of addresses that servers bind, which are loopback by default."""

LOCUST_VALUES: Mapping[str, Callable[[str], Any]] = {
    "num_users": values.users,
    "spawn_rate": values.spawn_rate,
    "run_time": values.run_time,
    "processes": values.processes,
    "expect_workers": whole(1, values.MAX_PROCESSES),
    "web_host": addresses.server_address,
    "web_port": port,
    "expect_workers_max_wait": values.seconds,
    "autoquit": values.seconds_or_none,
    "stop_timeout": values.stop_timeout,
    "exit_code_on_error": values.exit_code,
    "csv_prefix": files.csv_prefix,
    "html_file": files.output_of_locust,
    "json_file": files.output_of_locust,
    "logfile": files.output_of_locust,
    "master_bind_host": addresses.server_address,
    "master_bind_port": port,
    "master_host": addresses.master_host,
    "master_port": port,
    "web_base_path": addresses.web_path,
}
"""What the values of Locust's own options may be, by their names in the namespace."""


def add_arguments(parser: Any) -> None:
    """
    Add the options to Locust's parser, and check those of Locust that a run depends on.

    Locust's own ``--profile`` (a label for test runs) gives way to ours, its ``--host`` to one that
    is checked, and its ``--json`` to one of our summary (decision 0009). A default that the parser
    has already, such as those of ``swarm.main``, stays. Rebalancing is on (decision 0027). Servers
    bind loopback (decision D10), where Locust's bind all addresses.
    """
    for action in parser._actions:  # noqa: SLF001  # there is no other way to change a type
        if action.dest in LOCUST_VALUES:
            action.type = argument_type(LOCUST_VALUES[action.dest])
    for name in ("web_host", "master_bind_host"):
        if parser.get_default(name) in addresses.ALL_ADDRESSES:
            parser.set_defaults(**{name: LOOPBACK})
    group = parser.add_argument_group("Caretaker", conflict_handler="resolve")
    group.add_argument(
        "-H", "--host", type=argument_type(addresses.acs_url), env_var="LOCUST_HOST",
        metavar="<url>",
        help="URL of the ACS, like http://acs.example.com:7547/. Default: the embedded ACS.",
    )  # fmt: skip
    for name, declared in OPTIONS.items():
        default = parser.get_default(name)
        if default is None and declared.action != "append":
            default = declared.plain(declared.default)
        declared.add_to(group, name, default)
    group.add_argument(
        "--slo-warm-up", type=argument_type(_slo_warm_up), dest="caretaker_slo_warm_up",
        env_var="CARETAKER_SLO_WARM_UP", help=argparse.SUPPRESS,
    ).include_in_web_ui = False  # fmt: skip
    parser.set_defaults(profile=None, json=False, enable_rebalancing=True)


def _slo_warm_up(_: str) -> None:
    """Refuse the option of earlier versions."""
    raise InputError("there is no such option any more; give --warm-up, like 30s")

"""The options that say what the fleet is, and what its CPEs do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from caretaker.device.identity import LARGEST_SEED, serial_prefix
from caretaker.plain_numbers import whole
from caretaker.profiles.loader import ProfileChoice
from caretaker.profiles.profile import BUILT_IN, DEFAULT_MIX
from caretaker.swarm import option_files as files
from caretaker.swarm import option_values as values
from caretaker.swarm.devices_file import DevicesFile
from caretaker.swarm.option import option, repeated, switch
from caretaker.swarm.option_values import Range

Start = Literal["factory", "running"]
Transfers = Literal["simulated", "real"]


@dataclass(frozen=True)
class DeviceOptions:
    """What the devices are."""

    profiles: tuple[ProfileChoice, ...] = repeated(
        "--profile",
        ProfileChoice.parse,
        unit="FILE[:weight]",
        example="router.csv:3",
        help="Device profile of the CPEs: a parameter export of GenieACS (CSV), a profile file "
        f"(TOML), or a built-in one: {', '.join(BUILT_IN)}. Repeatable; profiles are mixed by "
        "weight.",
        nothing=f"{' and '.join(DEFAULT_MIX)}, in equal parts",
        of_master=True,
    )
    cpes_per_user: int = option(
        "--cpes-per-user",
        whole(1, 100_000),
        default=1,
        unit="int",
        example="100",
        help="Number of CPEs that each Locust user holds.",
        in_web_ui=True,
    )
    serial_prefix: str = option(
        "--serial-prefix",
        serial_prefix,
        default="FLEET",
        unit="text",
        example="LAB",
        help="Prefix of the serial numbers, which are <prefix>-000001 and so on.",
    )
    devices: DevicesFile | None = option(
        "--devices",
        DevicesFile.parse,
        default=None,
        unit="FILE.csv",
        example="fleet.csv",
        help="The devices that the fleet is, a row for each: serial number, OUI, product class, "
        "credentials, MAC address, profile, and values of parameters.",
        nothing="serial numbers of --serial-prefix",
        of_master=True,
    )
    seed: int = option(
        "--seed",
        whole(0, LARGEST_SEED),
        default=0,
        unit="int",
        example="7",
        help="Random seed; the same seed gives the same fleet.",
        in_web_ui=True,
    )
    state: Path | None = option(
        "--state",
        files.state_file,
        default=None,
        unit="file",
        example="fleet.db",
        help="Keep what the ACS writes to each CPE in this file, and take the fleet up as the file "
        "has it. A file is of one fleet: the same seed, profiles and number of CPEs.",
        nothing="nothing is kept",
        of_master=True,
    )


@dataclass(frozen=True)
class InformOptions:
    """When CPEs inform."""

    start: Start = option(
        "--start",
        values.one_of("factory", "running"),
        default="factory",
        unit="factory|running",
        example="running",
        help="State of the CPEs at the start. factory: each CPE begins with the events "
        "0 BOOTSTRAP and 1 BOOT. running: each CPE has been up for days, and begins with its next "
        "periodic Inform.",
        in_web_ui=True,
    )
    inform_interval: float | None = option(
        "--inform-interval",
        values.at_least(0),
        default=None,
        unit="seconds",
        example="300",
        help="PeriodicInformInterval of all CPEs, in seconds (0: no periodic Informs).",
        nothing="the interval of each profile",
        in_web_ui=True,
    )
    inform_jitter: float = option(
        "--inform-jitter",
        values.at_least(0),
        default=0.0,
        unit="seconds",
        example="10",
        help="Each periodic Inform is delayed by a random time of up to so many seconds.",
    )
    inform_together: bool = switch(
        "--inform-together",
        help="All CPEs send their periodic Informs at the same moments, which follow from the "
        "PeriodicInformTime of their profile. Without it each CPE has a random phase until the "
        "ACS sets a time.",
    )
    boot_delay: Range = option(
        "--boot-delay",
        Range.parse,
        default=Range(0, 0),
        unit="low-high",
        example="0-3600",
        help="Seconds from the boot of a CPE to its Inform.",
    )
    reboot_seconds: Range = option(
        "--reboot-seconds",
        Range.parse,
        default=Range(10, 30),
        unit="low-high",
        example="20-60",
        help="Seconds that a CPE is down when it reboots.",
    )


@dataclass(frozen=True)
class TransferOptions:
    """How CPEs exchange files."""

    transfers: Transfers = option(
        "--transfers",
        values.one_of("simulated", "real"),
        default="simulated",
        unit="simulated|real",
        example="real",
        help="Whether Download and Upload move bytes. real: they do, with the host of the ACS and "
        "those of --allow-host; transfers with other hosts are simulated.",
        in_web_ui=True,
    )
    transfer_seconds: Range = option(
        "--transfer-seconds",
        Range.parse,
        default=Range(5, 30),
        unit="low-high",
        example="30-120",
        help="Seconds that a simulated transfer takes.",
    )
    transfer_failures: float = option(
        "--transfer-failures",
        values.share,
        default=0.0,
        unit="0..1",
        example="0.05",
        help="Share of the simulated transfers that fail.",
        in_web_ui=True,
    )
    bandwidth: float = option(
        "--bandwidth",
        values.at_least(0),
        default=0.0,
        unit="bytes/s",
        example="125000",
        help="Bytes per second per transfer (0: unlimited). A simulated transfer takes as long as "
        "its FileSize needs at this rate; without a FileSize, --transfer-seconds holds.",
        in_web_ui=True,
    )

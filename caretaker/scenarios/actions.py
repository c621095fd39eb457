"""
Actions: everything that can be done to a fleet, in the table ``ACTIONS``.

Each action is a function of an ``ActionTarget``, the part of the fleet that is in this process.
Which CPEs an action takes, and when, follows from the fleet's seed and the action's number in the
run, whichever worker holds them. Actions that take time go on in greenlets of the target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from caretaker.cwmp import messages as m
from caretaker.cwmp.messages import EventStruct
from caretaker.device import events as ev
from caretaker.device import transfers
from caretaker.device.base import CPEBase, Job
from caretaker.device.cpe import CPE
from caretaker.device.transfer_record import FIRMWARE
from caretaker.engine.outages import OUTAGE_KINDS
from caretaker.engine.shard import Shard
from caretaker.errors import DeviceNotFound, InputError
from caretaker.profiles.profile import SIMULATED
from caretaker.scenarios.action_target import ActionTarget
from caretaker.scenarios.arguments import SHARE, Argument, checked, number, one_of
from caretaker.scenarios.nat_rebind import nat_rebind
from caretaker.stats.task_outcomes import TaskOutcome, TaskResult

_BATCH = 100
"""CPEs that are dealt with in one turn of the loop."""
_TRIES = 100
"""CPEs that are looked at to find a free one."""


def power_cut(
    target: ActionTarget, purpose: str, share: float, seconds: float, stagger: float
) -> None:
    """Cut the power of a share of the fleet; within ``stagger`` seconds all are back."""
    end = target.clock() + seconds
    fraction = target.shard.context.identities.fraction
    indices = target.chosen(share, purpose)
    for start in range(0, len(indices), _BATCH):
        batch = indices[start : start + _BATCH]
        target.shard.power_cut(
            {index: end + stagger * fraction(index, f"{purpose} back") for index in batch}
        )
        target.sleep(0)


def boot_storm(target: ActionTarget, purpose: str, share: float, stagger: float) -> None:
    """Boot a share of the fleet, within ``stagger`` seconds."""
    power_cut(target, purpose, share, 0.0, stagger)


def outage(target: ActionTarget, purpose: str, kind: str, seconds: float) -> None:  # noqa: ARG001
    """The ACS refuses new connections, or hangs, for some seconds."""
    target.outage.begin(kind, target.clock() + seconds)


def value_change(target: ActionTarget, purpose: str, share: float, seconds: float) -> None:
    """Change a parameter with active notification in a share of the fleet, over some seconds."""
    now, fraction = target.clock(), target.shard.context.identities.fraction
    for place, index in enumerate(target.chosen(share, purpose)):
        cpe = target.shard.cpes.get(index)
        if cpe is not None:
            at = now + seconds * fraction(index, f"{purpose} at")
            cpe.plan(Job(at, "scenario", purpose, _change(purpose)))
            target.shard.reschedule(cpe)
        if place % _BATCH == 0:
            target.sleep(0)


def _change(purpose: str) -> Callable[[CPEBase, float], None]:
    def act(cpe: CPEBase, now: float) -> None:
        path = f"{cpe.profile.device_info}ProvisioningCode"
        if cpe.parameter(path) is None:  # on every device, and active, too
            path = f"{cpe.profile.device_info}SoftwareVersion"
        cpe.change(path, f"{SIMULATED} {purpose} {now:.0f}", now)

    return act


def connection_request(
    target: ActionTarget, purpose: str, rate: float, share: float, serial: str
) -> None:  # fmt: skip
    """Send each CPE of a share a Connection Request, at a rate; or only the CPE of ``serial``."""
    if serial:
        try:
            indices = [target.shard.cpe(serial).index]
        except DeviceNotFound:
            return  # another worker has the CPE
    else:
        indices = target.chosen(share, purpose)
    operator = target.operator
    _for_each(target, indices, rate, ("connection_request", operator.name), operator.send)


def firmware(target: ActionTarget, purpose: str, version: str, rate: float, share: float) -> None:
    """
    Have each CPE of a share download an image, at a rate; it reboots into the image's version.

    Where the ACS has no north-bound API, the CPEs behave as if it had asked them.
    """
    indices = target.chosen(share, purpose)
    image = f"caretaker-{version}.bin"
    task = {
        "name": "download",
        "fileType": FIRMWARE,
        "fileName": image,
        "targetFileName": image,
        "url": f"{target.shard.context.acs_url.rstrip('/')}/{image}",
    }

    def act(cpe: CPE) -> TaskResult:
        return target.operator.download(cpe, task) or _download_without_acs(target, cpe, task)

    _for_each(target, indices, rate, ("firmware", "download"), act)


def _download_without_acs(target: ActionTarget, cpe: CPE, task: Mapping[str, Any]) -> TaskResult:
    now = target.clock()
    request = m.Download("campaign", task["fileType"], task["url"],
                         target_file_name=task["targetFileName"])  # fmt: skip
    transfers.queue(cpe, request, now)
    target.shard.reschedule(cpe)
    return TaskResult(TaskOutcome.DONE)


def _for_each(
    target: ActionTarget,
    indices: list[int],
    rate: float,
    names: tuple[str, str],
    act: Callable[[CPE], TaskResult],
) -> None:
    """
    Start ``act`` for each CPE, at a rate over the whole fleet; returns at once.

    Args:
        target: has the CPEs.
        indices: of those to act on.
        rate: per second.
        names: of the action, and of the task in statistics.
        act: what to do with each.
    """
    action, name = names
    target.tally[f"{action}.asked"] += len(indices)

    def ended(outcome: TaskOutcome) -> None:
        target.tally[f"{action}.{outcome}"] += 1

    def walk() -> None:
        for index, due in zip(indices, target.paced(rate), strict=False):
            cpe = target.shard.cpes.get(index)
            if cpe is not None and cpe.powered:
                target.tasks.start(name, cpe, act, due, ended)

    target.greenlets.spawn(walk)


def inform_rate(target: ActionTarget, purpose: str, rate: float) -> None:
    """
    Have CPEs inform with ``2 PERIODIC`` at an even rate, beside their own Informs; 0 ends it.

    The CPEs take turns, but for those that are busy or wait for a retry.
    """
    if target.informing is not None:
        target.informing.kill(block=False)
        target.informing = None
    if rate:
        target.informing = target.greenlets.spawn(_inform, target, purpose, rate)


def _inform(target: ActionTarget, purpose: str, rate: float) -> None:
    shard = target.shard
    cpes = _in_turn(shard)
    offset = shard.context.identities.fraction(next(iter(shard.cpes), 0), purpose)
    target.sleep(offset / max(1e-9, rate * target.portion()))  # workers take turns
    for due in target.paced(rate):
        now = target.clock()
        cpe = next((cpe for cpe, _ in zip(cpes, range(_TRIES), strict=False) if _is_free(cpe, now)),
                   None)  # fmt: skip
        if cpe is not None:
            cpe.raise_event(_PERIODIC, due)
            shard.reschedule(cpe)


def _in_turn(shard: Shard) -> Iterator[CPE]:
    """The CPEs one after the other, again and again; ends when there are none."""
    while shard.cpes:
        for index in shard.cpes:
            cpe = shard.cpes.get(index)
            if cpe is not None:
                yield cpe


def _is_free(cpe: CPE, now: float) -> bool:
    return not cpe.in_session and not cpe.failures and now >= cpe.down_until and not cpe.events


_PERIODIC = EventStruct(ev.PERIODIC)


class Action(NamedTuple):
    """
    One row of ``ACTIONS``.

    Args:
        run: does the action to a target; its second argument seeds the choice of CPEs and times.
        arguments: what the action takes, beside these two.
        note: makes the text on the timeline of the arguments.
        about: what it does, for the Fleet page.
    """

    run: Callable[..., None]
    arguments: dict[str, Argument]
    note: Callable[[Mapping[str, Any]], str]
    about: str


def _cr_note(arguments: Mapping[str, Any]) -> str:
    if arguments["serial"]:
        return "Connection Request: {serial}".format_map(arguments)
    return "Connection Requests: {share:.0%} of the fleet at {rate:g} per second".format_map(
        arguments
    )


_SECONDS = number(0, 1e6)
_RATE = Argument(50.0, number(0.001, 1e6), "per second, over the whole fleet", "CPEs per second")

ACTIONS: dict[str, Action] = {
    "power_cut": Action(
        power_cut,
        {
            "share": SHARE,
            "seconds": Argument(
                20.0, _SECONDS, "how long it is without power", "without power for (seconds)"
            ),
            "stagger": Argument(
                5.0, _SECONDS, "over how many seconds it comes back", "back within (seconds)"
            ),
        },
        (
            "power cut: {share:.0%} of the fleet without power for {seconds:g} s, "
            "back within {stagger:g} s"
        ).format_map,
        "CPEs lose their power and boot when it is back.",
    ),
    "boot_storm": Action(
        boot_storm,
        {
            "share": SHARE,
            "stagger": Argument(0.0, _SECONDS, "over how many seconds", "within (seconds)"),
        },
        "boot storm: {share:.0%} of the fleet within {stagger:g} s".format_map,
        "CPEs boot, and inform with 1 BOOT.",
    ),
    "outage": Action(
        outage,
        {
            "kind": Argument(
                "refuse",
                one_of(*OUTAGE_KINDS),
                "refuse connections, or hang",
                "the ACS is to",
                tuple(OUTAGE_KINDS),
            ),
            "seconds": Argument(20.0, _SECONDS, "how long", "for (seconds)"),
        },
        "ACS outage ({kind}) for {seconds:g} s".format_map,
        "CPEs find the ACS gone, and try again as TR-069 has it. The ACS itself is left alone.",
    ),
    "value_change": Action(
        value_change,
        {
            "share": SHARE,
            "seconds": Argument(10.0, _SECONDS, "over how many seconds", "within (seconds)"),
        },
        "value changes: {share:.0%} of the fleet within {seconds:g} s".format_map,
        "A parameter with active notification changes, and CPEs inform with 4 VALUE CHANGE.",
    ),
    "nat_rebind": Action(
        nat_rebind,
        {"share": SHARE},
        "NAT bindings of {share:.0%} of the fleet change".format_map,
        "NATs give the CPEs that use STUN other bindings; the old ones lead nowhere.",
    ),
    "connection_request": Action(
        connection_request,
        {
            "rate": _RATE,
            "share": SHARE,
            "serial": Argument(
                "", str, "just this CPE, instead of a share", "or one serial number"
            ),
        },
        _cr_note,
        "Each CPE is asked once to inform.",
    ),
    "firmware": Action(
        firmware,
        {
            "version": Argument("99.0.0", str, "of the image", "version of the image"),
            "rate": _RATE,
            "share": SHARE,
        },
        "firmware {version}: {share:.0%} of the fleet at {rate:g} per second".format_map,
        "CPEs download an image, and reboot into its version.",
    ),
    "inform_rate": Action(
        inform_rate,
        {
            "rate": Argument(
                0.0,
                number(0, 1e6),
                "Informs per second over the whole fleet; 0: none",
                "Informs per second (0: none)",
            ),
        },
        "driven Informs: {rate:g} per second".format_map,
        "CPEs inform at this rate, beside their own Informs, until it is set to 0.",
    ),
}
"""Every action by its name."""


def act(target: ActionTarget, name: str, arguments: Mapping[str, Any], nth: int) -> None:
    """
    Do the action of a name, as the ``nth`` of the run.

    Raises:
        InputError: no such action, or an argument can't be used.
    """
    action = find(name)
    action.run(target, f"{name} {nth}", **checked(name, action.arguments, arguments))


def find(name: str) -> Action:
    """The action of a name; InputError if there is none."""
    if name not in ACTIONS:
        raise InputError(f"action {name!r}: not one of {', '.join(ACTIONS)}")
    return ACTIONS[name]

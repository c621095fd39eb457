"""
A CPE under manual control, with one command in each line.

The CPE is the only one of a ``Fleet`` and runs in the loop of that fleet. Commands are read and
executed in the thread that called ``Console.run``, so a command that waits does not stop the CPE.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from math import inf
from typing import Any, NamedTuple

from caretaker.console.trace import Trace, TracedTransport
from caretaker.cwmp import messages as m
from caretaker.cwmp.faults import FaultCode
from caretaker.cwmp.outcome import Outcome
from caretaker.device import events as ev
from caretaker.device import notifications
from caretaker.device.base import Job
from caretaker.device.cpe import CPE
from caretaker.errors import DeviceBusy, FaultError, InputError
from caretaker.fleet import Device, Fleet
from caretaker.masking import MASK, is_secret
from caretaker.plain_numbers import decimal_number, shown
from caretaker.reasons import cure
from caretaker.stats.records import ExchangeRecord, SessionRecord
from caretaker.way import Way

PATIENCE = 5.0
"""Seconds that sessions have to end when the input does."""
_WAIT = 30.0
"""Seconds that the command ``wait`` takes at most, where no other number is given."""


class Console:
    """
    A CPE with the commands that control it.

    Args:
        trace: shows the sessions and the answers to commands.
        acs_url: the URL of the ACS.
        settings: further arguments of ``Fleet``.

    Raises:
        InputError: as ``Fleet``.
    """

    def __init__(self, trace: Trace, acs_url: str, **settings: Any) -> None:
        self.trace = trace
        self._ended = threading.Event()
        transport = partial(TracedTransport, trace)
        self.fleet = Fleet(acs_url, 1, sink=self, transport=transport, **settings)
        self.serial_number = ""

    def run(self, lines: Iterable[str]) -> None:
        """
        Power the CPE on, execute the commands, and end after the last one, ``quit`` or Ctrl-C.

        After the last command, sessions have ``PATIENCE`` seconds to end.

        Raises:
            InputError: the Connection Request server's address can't be bound.
        """
        (self.serial_number,) = self.fleet.spawn_devices()
        self.trace.show(f"* {self._about()}")
        try:
            self.fleet.start()
            for line in lines:
                if not self.execute(line):
                    break
            else:
                self.quiet_within(PATIENCE)
            self.fleet.stop_all(PATIENCE)
        except KeyboardInterrupt:
            pass
        finally:
            with suppress(KeyboardInterrupt):
                self.fleet.stop_all()

    def _about(self) -> str:
        device = self.device()
        url = self.call(lambda cpe, now: cpe.acs_url(now))
        return f"{device.device_id} ({device.profile}) informs {url} ('help' lists the commands)"

    def execute(self, line: str) -> bool:
        """Execute the command of a line; False if it ends the console."""
        name, _, rest = line.strip().partition(" ")
        if not name:
            return True
        if name not in COMMANDS:
            self.trace.print(f"no command {name!r}; 'help' lists them")
            return True
        try:
            answer = COMMANDS[name].act(self, rest.strip())
        except (InputError, DeviceBusy) as error:
            answer = str(error)
        self.trace.print(answer or "")
        return answer is not None

    def call(self, act: Callable[[CPE, float], Any]) -> Any:
        """Call a function of the CPE and the time, as ``Fleet.call`` does."""
        return self.fleet.call(self.serial_number, act)

    def device(self) -> Device:
        """The CPE, as ``Fleet.get_device`` shows it."""
        return self.fleet.get_device(self.serial_number)

    def quiet_within(self, seconds: float) -> bool:
        """Wait until the CPE has no reason for a session; False if that takes longer."""
        deadline = time.monotonic() + seconds
        while True:
            self._ended.clear()
            left = deadline - time.monotonic()
            if self.call(_is_quiet):
                return True
            if left <= 0:
                return False
            self._ended.wait(left)

    # The console is the sink of its fleet, which calls these in a thread of its own.

    def exchange(self, record: ExchangeRecord) -> None:
        """Ignore the exchange: the transport has shown it."""

    def session(self, record: SessionRecord) -> None:
        """Show how a session ended, and when the next one is due."""
        text = f"* session {record.outcome.value}"
        if record.reason is not None:
            text += f": {record.reason}"
        if record.outcome is not Outcome.ABANDONED:  # then there is no CPE any more
            what = "session" if record.reason is None else "attempt"
            text += f"; next {what} {_when(self.call(lambda cpe, now: cpe.due - now))}"
        self.trace.show(text)
        if record.reason is not None and cure(record.reason):
            self.trace.show(f"* what helps: {cure(record.reason)}")
        self._ended.set()

    def connection_request(self, verdict: str, _: float, __: Way) -> None:
        """Show the verdict on a Connection Request."""
        self.trace.show(f"* Connection Request: {verdict.replace('_', ' ')}")


def _when(seconds: float) -> str:
    if seconds == inf:
        return "when something happens"
    return f"in {seconds:.1f} s" if seconds > 0 else "at once"


def _is_quiet(cpe: CPE, _: float) -> bool:
    return not cpe.in_session and cpe.session_due == inf


# -- commands -------------------------------------------------------------------------------------


def _help(_: Console, __: str) -> str:
    return "\n".join(f"{command.usage:<18}{command.about}" for command in COMMANDS.values())


def _boot(console: Console, _: str) -> str:
    def reboot(cpe: CPE, now: float) -> None:
        cpe.plan(Job(now, "reboot", "", lambda cpe, at: cpe.reboot(at), survives_reboot=False))

    console.call(reboot)  # after the session that runs, if any
    down = console.call(lambda cpe, now: cpe.down_until - now)
    return f"down; up again {_when(down)}" if down > 0 else "reboots when the session is over"


def _periodic(console: Console, _: str) -> str:
    console.fleet.trigger_inform(console.serial_number)
    return ""


def _connection_request(console: Console, _: str) -> str:
    console.fleet.trigger_connection_request(console.serial_number)
    return ""


def _inform(console: Console, text: str) -> str:
    """Send an Inform with an event that it delivers itself; the number of the event is enough."""
    codes = [code for code, rule in ev.EVENTS.items() if rule.delivered_by is m.Inform]
    wanted = text.upper()
    matching = [code for code in codes if wanted in (code.upper(), code.partition(" ")[0])]
    if not matching:
        raise InputError(f"event {text!r}: not one of {', '.join(codes)}")
    console.fleet.trigger_inform(console.serial_number, matching[0])
    return ""


def _events(console: Console, _: str) -> str:
    pending = console.device().behavior.pending_events()
    return ", ".join(pending) or "none are pending"


def _set(console: Console, text: str) -> str:
    path, _, value = text.partition(" ")
    if not value:
        raise InputError('set PATH VALUE; "" is the empty value')
    value = "" if value.strip() == '""' else value.strip()

    def change(cpe: CPE, now: float) -> str:
        cpe.change(path, value, now)
        return f"{_line(cpe, path, now)}; {_NOTIFICATION_EFFECTS[notifications.kind(cpe, path)]}"

    return _ask(console, path, change)


def _ask(console: Console, path: str, act: Callable[[CPE, float], str]) -> str:
    """Call a function with the CPE, which may refuse the path or its value."""
    try:
        said: str = console.call(act)
    except FaultError as error:
        raise InputError(f"{path}: {_REFUSALS[error.fault_code]}") from error
    return said


_NOTIFICATION_EFFECTS = {
    0: "not told, as notification is off",
    notifications.PASSIVE: "told in the next Inform",
    notifications.ACTIVE: "told in a session of its own",
}
"""The effect of a change, by the kind of notification."""

_REFUSALS: dict[int, str] = {
    FaultCode.INVALID_PARAMETER_NAME: "nothing of that name; 'get PATH.' lists what is there",
    FaultCode.INVALID_PARAMETER_VALUE: "not a value of its type",
}
"""The reason why a path or value is refused, by fault code."""


def _get(console: Console, path: str) -> str:
    """Show a parameter, or all that is directly below a partial path."""
    if path and not path.endswith("."):
        return _dump(console, path)
    return _read(console, path, lambda cpe: cpe.model.children_of(path, cpe.overlay))


def _dump(console: Console, path: str) -> str:
    """Show all parameters below a path; without a path, all of the CPE."""
    return _read(console, path, lambda cpe: cpe.model.parameters_at(path, cpe.overlay))


def _read(console: Console, path: str, names: Callable[[CPE], Iterable[str] | None]) -> str:
    def read(cpe: CPE, now: float) -> str:
        paths = names(cpe)
        if paths is None:
            raise FaultError(FaultCode.INVALID_PARAMETER_NAME)
        return "\n".join(_line(cpe, path, now) for path in paths)

    return _ask(console, path, read)


def _line(cpe: CPE, path: str, now: float) -> str:
    if path.endswith("."):
        return path
    parameter, shown = cpe.parameter(path), cpe.read(path, now).value
    assert parameter is not None
    is_shown = parameter.hidden or parameter.type == "xsd:boolean"  # null, or a flag
    return f"{path} = {MASK if is_secret(path) and not is_shown else shown}"


def _cr_url(console: Console, _: str) -> str:
    url = console.device().connection_request_url
    username, _ = console.fleet.connection_request_credentials(console.serial_number)
    return f"{url} (Digest; username {username}, password {MASK})"


def _wait(console: Console, text: str) -> str:
    if console.quiet_within(seconds_of(text) if text else _WAIT):
        return ""
    return f"still to tell: {_events(console, text)}"


def seconds_of(text: str) -> float:
    """
    A number of seconds.

    Raises:
        InputError: it is none.
    """
    value = decimal_number(text)
    if value is None or not 0 <= value <= 1e6:
        raise InputError(f"{shown(text)} is not a number of seconds")
    return value


def _quit(_: Console, __: str) -> None:
    """End the console."""


class Command(NamedTuple):
    """A command: its usage, its help, and its function, which returns text, or None to end."""

    usage: str
    about: str
    act: Callable[[Console, str], str | None]


COMMANDS: dict[str, Command] = {
    "boot": Command("boot", "reboot: down for a while, then 1 BOOT", _boot),
    "periodic": Command("periodic", "a periodic Inform now", _periodic),
    "cr": Command("cr", "as if a Connection Request came", _connection_request),
    "inform": Command("inform CODE", "an Inform with that event; its number is enough", _inform),
    "events": Command("events", "the events that the ACS has not been told yet", _events),
    "set": Command("set PATH VALUE", "a change by the device itself, which notifies", _set),
    "get": Command("get [PATH]", "a parameter; of a path with a dot at its end what it has", _get),
    "dump": Command("dump [PATH]", "all parameters below a path", _dump),
    "cr-url": Command("cr-url", "where Connection Requests go, and with which username", _cr_url),
    "wait": Command("wait [SECONDS]", "until all is told, at most 30 s; for scripts", _wait),
    "help": Command("help", "this list", _help),
    "quit": Command("quit", "end; so does the end of the input", _quit),
}
"""All commands, in the order of ``help``."""

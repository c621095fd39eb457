"""CPEs for tests, and running a session against a scripted ACS with no network."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.resources import files

from caretaker.cwmp import ACSSession, decode
from caretaker.cwmp import messages as m
from caretaker.cwmp.outcome import Outcome
from caretaker.cwmp.session import CPESession
from caretaker.device.context import FleetContext
from caretaker.device.cpe import CPE
from caretaker.device.identity import Identities
from caretaker.device.settings import Behaviors
from caretaker.errors import FaultError
from caretaker.profiles import load_profile
from caretaker.profiles.genieacs_csv import read_export
from caretaker.profiles.profile import KNOWN, Profile, build
from caretaker.testing import FunctionTransport, ScriptedACS, play_session

NO_PERIODS = Behaviors(periodic_inform=False)


@cache
def profile(name: str = "tr181") -> Profile:
    """A profile, read once."""
    return load_profile(name)


def read_profile(name: str, data: bytes) -> Profile:
    """The profile that the bytes of a CSV export describe."""
    return build(name, read_export(name, data, KNOWN))


def extended(*rows: str, name: str = "tr181") -> Profile:
    """A built-in profile with more rows: ``Path,Object,Writable,Value,Value type``."""
    data = (files("caretaker.profiles.builtin") / f"{name}.csv").read_bytes()
    return read_profile(name, b"\n".join([data.rstrip(), *(row.encode() for row in rows)]))


def context(**settings: object) -> FleetContext:
    """Where CPEs are installed; a minute's outage at a reboot."""
    defaults: dict[str, object] = {
        "identities": Identities(7),
        "acs_url": "http://acs/",
        "behaviors": Behaviors(),
        "reboot_seconds": (60.0, 60.0),
        "wall_offset": 1.75e9,
    }
    return FleetContext(**{**defaults, **settings})  # type: ignore[arg-type]


def cpe(
    name: str = "tr181", index: int = 0, *, namespace: str = "", **settings: object
) -> CPE:  # fmt: skip
    """A CPE that is powered on at 0; of that namespace where one is given."""
    kind = profile(name)
    kind = replace(kind, namespace=namespace) if namespace else kind
    box = CPE(index, kind, context(**settings))
    box.power_on(0.0)
    return box


def run(box: CPE, now: float, *requests: m.Request) -> ScriptedACS:
    """A whole session at that time; the ACS asks these requests."""
    session = box.begin_session(now)
    assert session is not None, "nothing asks for a session"
    return talk(box, session, now, *requests)


def talk(
    box: CPE,
    session: CPESession,
    now: float,
    *requests: m.Request,
    acs: ScriptedACS | None = None,
) -> ScriptedACS:
    """The whole of a session that has begun."""
    acs = acs or ScriptedACS(requests)
    play_session(session, FunctionTransport(ACSSession(acs).receive), now)
    box.end_session(Outcome.SUCCEEDED, now)
    return acs


def fail(box: CPE, now: float, *, informed: bool = False) -> m.Inform:
    """A session that fails: at once, or after the InformResponse. Returns its Inform."""
    session = box.begin_session(now)
    assert session is not None, "nothing asks for a session"
    body = session.next_post()
    assert body
    if informed:
        session.receive(ACSSession(ScriptedACS()).receive(body), now)
    session.abort()
    box.end_session(Outcome.FAILED, now)
    inform = decode(body).message
    assert isinstance(inform, m.Inform)
    return inform


def codes(inform: m.Inform) -> list[str]:
    """The codes of an Inform's events."""
    return [event.event_code for event in inform.event]


def ask(box: CPE, request: m.Request, now: float = 1.0) -> m.Response:
    """The answer of a CPE to one request, a fault as Fault."""
    try:
        return box.answer(request, now)
    except FaultError as error:
        return m.Fault.of(error.fault_code, error.fault_string)


def sets(path: str, value: str, kind: str = "") -> m.SetParameterValues:
    """A request that sets one parameter."""
    return m.SetParameterValues((m.ParameterValueStruct(path, value, kind),))


def watch(path: str, notification: int) -> m.SetParameterAttributes:
    """A request that sets the notification on one parameter."""
    return m.SetParameterAttributes(
        (m.SetParameterAttributesStruct(path, True, notification, False),)
    )

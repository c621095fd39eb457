"""Harnesses of what CPEs and ACSs say to each other: envelopes, sessions, parameters."""

from __future__ import annotations

import re
from collections.abc import Callable

from caretaker.acs import acs, parameters, sessions
from caretaker.console import trace
from caretaker.cwmp import codec, message_xml, session, shapes, xml
from caretaker.cwmp import messages as m
from caretaker.cwmp.envelope import Envelope
from caretaker.cwmp.outcome import Outcome
from caretaker.data_model import dates, parameter, types, value_limits
from caretaker.device import (
    context,
    cpe,
    identity,
    inform,
    installed_units,
    measurements,
    settings,
    transfers,
)
from caretaker.device.rpc import deployment_units, methods
from caretaker.device.rpc import transfers as transfer_rpcs
from caretaker.errors import EnvelopeError, SessionError
from caretaker.profiles import load_profile
from fuzz.harness import LINE, Harness
from fuzz.wsgi import asked, request

_SEPARATOR = b"\n----\n"
"""Between the bodies of a session's input."""


def _envelope(data: bytes) -> object:
    envelope = codec.decode_by_parser(data)
    codec.encode(envelope)
    return envelope


def _known_shape(data: bytes) -> object:
    """An envelope of a known shape is read as by the parser; with other texts, too."""
    known = shapes.Shapes(codec.decode_by_parser)
    outcomes = [_outcome(known.read, data) for _ in range(5)]
    for changed in (data, re.sub(rb"[a-m](?=[^<>]*</)", b"n", data), data.replace(b"1</", b"0</")):
        outcomes.append(_outcome(known.read, changed))
        assert outcomes[-1] == _outcome(codec.decode_by_parser, changed)
    return outcomes


def _outcome(read: Callable[[bytes], object], data: bytes) -> object:
    try:
        return read(data)
    except EnvelopeError as error:
        return str(error)


_PROFILE = load_profile("tr098")
_INFORMED = codec.encode(Envelope(m.InformResponse(), "1"))
_CONTEXT = context.FleetContext(
    identities=identity.Identities(7),
    acs_url="http://acs/",
    behaviors=settings.Behaviors(),
    reboot_seconds=(60.0, 60.0),
    wall_offset=1.75e9,
)


def _cpe_session(data: bytes) -> object:
    """A CPE takes any answers, and has a due time afterwards."""
    box = cpe.CPE(0, _PROFILE, _CONTEXT)
    box.power_on(0.0)
    running = box.begin_session(0.0)
    assert running is not None
    names, outcome = [], Outcome.SUCCEEDED
    try:
        for body in (_INFORMED, *data.split(_SEPARATOR)):
            if running.next_post() is None:
                break
            names.append(running.name)
            running.receive(body, 1.0)
        running.next_post()
    except (EnvelopeError, SessionError) as error:
        outcome = Outcome.FAILED
        names.append(str(error))
    assert box.end_session(outcome, 2.0) > 0
    return names, box.due


def _acs_session(data: bytes) -> object:
    """The embedded ACS answers whatever is posted, and never with a 500."""
    app = sessions.CWMPApp(acs.ACS())
    statuses, cookie = [], ""
    for body in data.split(_SEPARATOR):
        answer = asked(app, request("POST", "/", body, HTTP_COOKIE=cookie))
        cookie = (answer.headers["Set-Cookie"] or cookie).partition(";")[0]
        statuses.append(answer.status)
    return statuses


_LIMITS = (
    None,
    value_limits.Limits(ranges=(value_limits.Range(-5, 100),)),
    value_limits.Limits(sizes=(value_limits.Size(1, 8),)),
    value_limits.Limits(
        listed=value_limits.ListLimits(value_limits.Limits(enumeration=("None", "Up")), 1, 9)
    ),
)


def _parameter_value(data: bytes) -> object:
    """Of any type: a value that was taken is taken again as it was kept, and sent as its type."""
    head, _, text = data.decode("latin-1").partition("\n")
    kind = list(types.TYPES)[len(head) % len(types.TYPES)]
    outcomes = []
    for limits in _LIMITS:
        taking = parameter.Parameter(kind, True, "0", limits=limits)
        outcomes.append(parameter.check_value(taking, text, head))
        if outcomes[-1] is None:
            kept = types.cleaned(text, kind)
            assert types.cleaned(kept, kind) == kept
            assert parameter.check_value(taking, kept, head) is None
    types.typed("A", text, kind)
    return outcomes, types.known_type(text), dates.seconds_of(text)


def _trace(data: bytes) -> object:
    """The console shows any body, without what a terminal would obey."""
    shown: list[str] = []
    trace.Trace(shown.append).print(f"{trace.summary(data)}\n{trace.envelope_text(data)}")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f]", shown[0].expandtabs())
    return shown


CWMP: dict[str, Harness] = {
    "envelope": Harness(_envelope, (codec, message_xml, xml), (EnvelopeError,)),
    "known_shape": Harness(_known_shape, (shapes,)),
    "cpe_session": Harness(
        _cpe_session,
        (
            session,
            cpe,
            inform,
            installed_units,
            measurements,
            transfers,
            methods,
            deployment_units,
            transfer_rpcs,
        ),
    ),
    "acs_session": Harness(_acs_session, (sessions, session, parameters)),
    "parameter_value": Harness(_parameter_value, (types, value_limits, dates), max_bytes=LINE),
    "trace": Harness(_trace, (trace,)),
}
"""The harnesses by their names."""

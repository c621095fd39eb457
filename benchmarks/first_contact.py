"""Sessions of CPEs without a network: they bring a benchmark's fleet into its first state."""

from __future__ import annotations

from benchmarks.nginx import INFORM_RESPONSE
from caretaker.cwmp import decode, encode
from caretaker.cwmp import messages as m
from caretaker.cwmp.envelope import CWMP_1_2, Envelope
from caretaker.cwmp.outcome import Outcome
from caretaker.device.context import FleetContext
from caretaker.device.cpe import CPE
from caretaker.http.credentials import Credentials
from caretaker.profiles import load_profile

_INFORM = m.Inform(m.DeviceIdStruct("", "", "", ""), (), 1, "", 0, ())
_NAMES = ("ConnectionRequestUsername", "ConnectionRequestPassword")


def credentials(cpe: CPE) -> Credentials:
    """The Connection Request credentials that an ACS sets at first contact."""
    secret = cpe.context.identities.secret(cpe.index, "benchmark")
    return Credentials(cpe.serial_number, secret)


def first_contact(cpe: CPE, now: float) -> None:
    """Run the first session, message by message; the ACS sets the credentials."""
    session = cpe.begin_session(now)
    assert session is not None
    values = tuple(
        m.ParameterValueStruct(name, value, "xsd:string") for name, value in _provisioned(cpe)
    )
    provision = encode(Envelope(m.SetParameterValues(values), "2", CWMP_1_2))
    for answer in (INFORM_RESPONSE, provision, b""):
        session.next_post()
        session.receive(answer, now)
    cpe.end_session(Outcome.SUCCEEDED, now)


def quick_contact(cpe: CPE, now: float) -> None:
    """As ``first_contact``, without the messages, in a fifth of the time."""
    quick_session(cpe, now)
    cpe.set_values(_provisioned(cpe), now)
    cpe.reschedule(now)


def quick_session(cpe: CPE, now: float) -> None:
    """The effect of a session in which the ACS sends no request, without its messages."""
    if cpe.begin_session(now) is not None:
        cpe.delivered(_INFORM, now)
        cpe.end_session(Outcome.SUCCEEDED, now)


def _provisioned(cpe: CPE) -> list[tuple[str, str]]:
    prefix = cpe.profile.management_server
    pairs = zip(_NAMES, credentials(cpe), strict=True)
    return [(f"{prefix}{name}", value) for name, value in pairs]


def a_cpe() -> CPE:
    """The first CPE of a fleet of the built-in TR-181 device, powered on."""
    cpe = CPE(0, load_profile("tr181"), FleetContext(acs_url="http://127.0.0.1/"))
    cpe.power_on(0.0)
    return cpe


def periodic_inform() -> m.Inform:
    """The Inform of its periodic session."""
    cpe = a_cpe()
    first_contact(cpe, 0.0)
    session = cpe.begin_session(cpe.due)
    assert session is not None
    inform = decode(session.next_post() or b"").message
    assert isinstance(inform, m.Inform)
    return inform

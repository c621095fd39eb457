"""Sessions of a CPE in this process, with no network: how a benchmark's fleet comes into being."""

from __future__ import annotations

from benchmarks.nginx import INFORM_RESPONSE
from caretaker.cwmp import decode, encode
from caretaker.cwmp import messages as m
from caretaker.cwmp.envelope import CWMP_1_2, Envelope
from caretaker.device.cpe import CPE, Outcome
from caretaker.device.premises import Premises
from caretaker.profiles import load_profile

_NAMES = ("ConnectionRequestUsername", "ConnectionRequestPassword")


def first_contact(cpe: CPE, now: float) -> None:
    """The first session, in which the ACS sets credentials for Connection Requests."""
    session = cpe.begin_session(now)
    assert session is not None
    prefix = cpe.profile.management_server
    values = (cpe.serial_number, cpe.premises.identities.secret(cpe.index, "benchmark"))
    pairs = zip(_NAMES, values, strict=True)
    wanted = tuple(
        m.ParameterValueStruct(f"{prefix}{name}", value, "xsd:string") for name, value in pairs
    )
    provision = encode(Envelope(m.SetParameterValues(wanted, ""), "2", CWMP_1_2))
    for answer in (INFORM_RESPONSE, provision, b""):
        session.next_post()
        session.receive(answer, now)
    cpe.end_session(Outcome.SUCCEEDED, now)


def credentials(cpe: CPE) -> tuple[str, str]:
    """The user name and password that ``first_contact`` has set."""
    return cpe.serial_number, cpe.premises.identities.secret(cpe.index, "benchmark")


def periodic_inform() -> m.Inform:
    """The Inform of a periodic session of the built-in TR-181 device."""
    cpe = CPE(0, load_profile("tr181"), Premises(acs_url="http://127.0.0.1/"))
    cpe.power_on(0.0)
    first_contact(cpe, 0.0)
    session = cpe.begin_session(cpe.due)
    assert session is not None
    inform = decode(session.next_post() or b"").message
    assert isinstance(inform, m.Inform)
    return inform

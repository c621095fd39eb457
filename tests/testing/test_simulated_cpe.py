"""A CPE of a real profile against code of an ACS."""

from __future__ import annotations

import pytest

from caretaker.acs.acs import ACS
from caretaker.acs.sessions import CWMPApp
from caretaker.cwmp import ACSSession
from caretaker.cwmp import messages as m
from caretaker.device.context import FleetContext
from caretaker.device.settings import Behaviors
from caretaker.errors import InputError, SessionError
from caretaker.http.credentials import Credentials
from caretaker.http.transport import Answer, Transport
from caretaker.testing import Clock, FunctionTransport, ScriptedACS, SimulatedCPE, WSGITransport

QUIET = FleetContext(behaviors=Behaviors(periodic_inform=False))


def asked(*requests: m.Request) -> Transport:
    """The way to an ACS that asks these requests."""
    return FunctionTransport(ACSSession(ScriptedACS(requests)).receive)


@pytest.mark.parametrize(
    ("profile", "root"), [("tr181", "Device."), ("tr098", "InternetGatewayDevice.")]
)
def test_its_first_session_is_first_contact(profile: str, root: str) -> None:
    cpe = SimulatedCPE(asked, profile)
    transcript = cpe.session()
    assert transcript.events == ["0 BOOTSTRAP", "1 BOOT"]
    assert transcript.inform.device_id.serial_number == "FLEET-000001"
    assert transcript.inform.parameter_list[0].name.startswith(root)


def test_requests_of_the_acs_change_it() -> None:
    interval = "Device.ManagementServer.PeriodicInformInterval"
    setting = m.SetParameterValues((m.ParameterValueStruct(interval, "60", "xsd:unsignedInt"),), "")
    cpe = SimulatedCPE(lambda: asked(setting))
    transcript = cpe.session()
    assert (transcript.requests, transcript.responses) == (
        [setting],
        [m.SetParameterValuesResponse(0)],
    )
    assert cpe.value(interval) == "60"


def test_the_clock_moves_on_to_the_next_session() -> None:
    cpe = SimulatedCPE(asked, clock=Clock(0.0))
    cpe.session()
    due = cpe.cpe.due
    assert cpe.session().events == ["2 PERIODIC"]
    assert cpe.clock() == due > 0


def test_a_connection_request_opens_a_session_at_once() -> None:
    cpe = SimulatedCPE(asked, context=QUIET)
    cpe.session()
    before = cpe.clock()
    cpe.connection_request()
    assert cpe.session().events == ["6 CONNECTION REQUEST"]
    assert cpe.clock() == before


def test_a_change_that_is_watched_is_told() -> None:
    path = "Device.ManagementServer.ParameterKey"
    watched = m.SetParameterAttributes(
        (m.SetParameterAttributesStruct(path, True, 2, False, ()),)
    )  # fmt: skip
    cpe = SimulatedCPE(lambda: asked(watched), context=QUIET)
    cpe.session()
    cpe.change(path, "new")
    transcript = cpe.session()
    assert transcript.events == ["4 VALUE CHANGE"]
    assert (path, "new") in [(each.name, each.value) for each in transcript.inform.parameter_list]


def test_after_a_failed_session_it_tries_again() -> None:
    ways = iter([FunctionTransport(lambda _: Answer(500, b"")), asked()])
    cpe = SimulatedCPE(lambda: next(ways))
    with pytest.raises(SessionError, match="HTTP 500"):
        cpe.session()
    transcript = cpe.session()
    assert transcript.events == ["0 BOOTSTRAP", "1 BOOT"]
    assert transcript.inform.retry_count == 1


def test_one_that_has_nothing_to_tell_says_so() -> None:
    cpe = SimulatedCPE(asked, context=QUIET)
    cpe.session()
    with pytest.raises(LookupError, match="nothing to tell"):
        cpe.session()


def test_a_profile_that_is_not_there_is_bad_input() -> None:
    with pytest.raises(InputError, match=r"nothing\.csv"):
        SimulatedCPE(asked, "nothing.csv")


def test_our_own_acs_provisions_it_over_wsgi() -> None:
    acs, credentials = ACS(), Credentials("all", "pw")
    app = CWMPApp(acs, credentials)
    cpe = SimulatedCPE(lambda: WSGITransport(app, credentials=credentials), index=6)
    assert [type(each) for each in cpe.session().requests] == [m.SetParameterValues]
    (device,) = acs.devices.values()
    assert device.credentials is not None
    assert cpe.value("Device.ManagementServer.ConnectionRequestUsername") == (
        device.credentials.username
    )
    with pytest.raises(SessionError, match="HTTP 401 in answer to Inform"):
        SimulatedCPE(lambda: WSGITransport(app)).session()

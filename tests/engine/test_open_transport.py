"""A session's transport has the URL, the credentials and the coding that its CPE has now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from helpers.cpes import context, cpe, profile

from caretaker.device.cpe import CPE
from caretaker.engine.open_transport import make_open_transport
from caretaker.http.credentials import Credentials
from caretaker.http.endpoint import Address, Endpoint, LocalEnd
from caretaker.http.transport import Answer, HTTPTransport
from caretaker.profiles import quirks

ACS = Endpoint(Address.of("http://acs/"), sources=("127.0.0.1", "127.0.0.2"))
MANAGEMENT_SERVER = "Device.ManagementServer."


class TransportArguments:
    """A transport that only shows what it was made of."""

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Callable[[], Credentials],
        url: str,
        coding: str,
        *,
        reconnect: bool,
        content_type_always: bool,
        local_end: LocalEnd,
    ) -> None:
        self.endpoint = endpoint
        self.credentials = credentials
        self.url = url
        self.coding = coding
        self.reconnect = reconnect
        self.content_type_always = content_type_always
        self.local_end = local_end
        self.sent_at: float | None = None

    def post(self, body: bytes) -> Answer:
        raise NotImplementedError

    def close(self) -> None:
        pass


def opened(box: CPE) -> TransportArguments:
    return make_open_transport(ACS, TransportArguments)(box, 1.0)


def test_the_acs_of_the_fleet_needs_no_url_of_its_own() -> None:
    transport = opened(cpe())
    assert (transport.endpoint, transport.url, transport.coding) == (ACS, "", "")


def test_a_cpe_that_was_given_another_acs_goes_there() -> None:
    box = cpe()
    box.set_values([(f"{MANAGEMENT_SERVER}URL", "http://other/")], 0.0)
    assert opened(box).url == "http://other/"


def test_credentials_are_those_of_the_moment_they_are_asked_for() -> None:
    box = cpe()
    transport = opened(box)
    box.set_values(
        [(f"{MANAGEMENT_SERVER}Username", "u"), (f"{MANAGEMENT_SERVER}Password", "p")], 0.0
    )
    assert transport.credentials() == Credentials("u", "p")


@pytest.mark.parametrize(
    ("url", "set_by_acs", "is_shown"),
    [
        ("", False, True),
        ("http://acs/elsewhere", False, True),
        ("http://other/", False, False),
        ("http://other/", True, True),  # the ACS's own secret goes where the ACS says
        ("no url", False, True),  # no request goes there
    ],
)
def test_a_password_of_the_user_goes_to_no_host_that_an_acs_names(
    caplog: pytest.LogCaptureFixture, url: str, *, set_by_acs: bool, is_shown: bool
) -> None:
    box = cpe(acs_username="me", acs_password="hidden")
    if url:
        box.set_values([(f"{MANAGEMENT_SERVER}URL", url)], 0.0)
    if set_by_acs:
        box.set_values([(f"{MANAGEMENT_SERVER}Password", "new")], 0.0)
    endpoint = replace(ACS, allowed_hosts=frozenset({"other"}))
    open_transport = make_open_transport(endpoint, TransportArguments)
    shown = [open_transport(box, at).credentials is not None for at in (1.0, 2.0)]
    assert shown == [is_shown, is_shown]
    warnings = ["Credentials for acs are not shown to other, where it has sent CPEs"]
    assert caplog.messages == ([] if is_shown else warnings)


def test_each_cpe_has_the_same_source_address_in_all_its_sessions() -> None:
    sources = [opened(cpe(index=index)).local_end.source for index in (0, 1, 2, 0)]
    assert sources == ["127.0.0.1", "127.0.0.2", "127.0.0.1", "127.0.0.1"]


def test_some_devices_answer_a_401_on_a_new_connection() -> None:
    kind = replace(profile(), quirks=frozenset([quirks.RECONNECT_AFTER_401]))
    assert opened(CPE(0, kind, context())).reconnect
    assert not opened(cpe()).reconnect


def test_some_devices_send_content_type_with_empty_posts() -> None:
    kind = replace(profile(), quirks=frozenset([quirks.CONTENT_TYPE_ALWAYS]))
    assert opened(CPE(0, kind, context())).content_type_always
    assert not opened(cpe()).content_type_always


@pytest.mark.rule("2.5-1", "2.5-2")
@pytest.mark.parametrize(
    ("value", "coding"), [("Disabled", ""), ("GZIP", "gzip"), ("Deflate", "deflate"), (None, "")]
)
def test_the_coding_of_what_is_sent_is_the_devices_choice(value: str | None, coding: str) -> None:
    box = cpe()
    if value is not None:
        box.set_values([(f"{MANAGEMENT_SERVER}HTTPCompression", value)], 0.0)
    transport = make_open_transport(ACS, HTTPTransport)(box, 0.0)
    assert isinstance(transport, HTTPTransport)
    assert transport._coding == coding

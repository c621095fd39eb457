"""The servers of a master's runs, and what they put into the options."""

from __future__ import annotations

from argparse import Namespace
from types import SimpleNamespace
from typing import Any

import pytest

from caretaker.errors import InputError
from caretaker.swarm import run_servers
from caretaker.swarm.options import Settings
from caretaker.swarm.run_servers import RunServers

OWN, OWN_API = "http://127.0.0.1:7547/", "http://127.0.0.1:7557"
ELSEWHERE, API = "http://127.0.0.1:8547/", "http://127.0.0.1:8557"


class FakeACS:
    """An embedded one."""

    url, north_bound_url = OWN, OWN_API

    def __init__(self, _: Settings, hosts: list[str]) -> None:
        self.hosts = hosts
        self.is_stopped = False

    def stop(self) -> None:
        self.is_stopped = True


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(run_servers, "EmbeddedACS", FakeACS)
    return SimpleNamespace(host=None, parsed_options=Namespace())


def settings(**given: Any) -> Settings:
    return Settings.of(Namespace(**given))


def test_a_run_without_a_host_has_the_embedded_acs_and_its_api(environment: Any) -> None:
    made = RunServers(environment)
    assert made.is_acs_embedded
    made.start_acs(settings(cr_host_ipv6="::1"))
    assert (environment.host, made.embedded.hosts) == (OWN, ["::1"])  # type: ignore[union-attr]
    assert made.with_north_bound_api(settings(cr_rate=5.0)).nbi_url == OWN_API
    assert environment.parsed_options.nbi_url == OWN_API
    assert made.with_north_bound_api(settings(nbi_url=API)).nbi_url == API


def test_a_later_run_may_have_another_acs_and_then_not_our_api(environment: Any) -> None:
    made = RunServers(environment)
    made.start_acs(settings())
    environment.host = ELSEWHERE
    assert not made.is_acs_embedded
    assert made.with_north_bound_api(settings(nbi_url=OWN_API)).nbi_url == ""
    with pytest.raises(InputError, match="--cr-rate: no north-bound API"):
        made.with_north_bound_api(settings(nbi_url=OWN_API, cr_rate=5.0))
    with pytest.raises(InputError, match="--cr-xmpp-jid acs@lab: the ACS of --host sends"):
        made.with_north_bound_api(settings(cr_xmpp_jid="acs@lab", nbi_url=API))
    environment.host = ""
    made.use_acs()
    assert environment.host == OWN


def test_all_end_with_the_master(environment: Any) -> None:
    made = RunServers(environment)
    made.start_acs(settings())
    acs: Any = made.embedded
    made.stop()
    made.publish_routes()
    assert (acs.is_stopped, made.embedded, made.router_ended) == (True, None, 0)

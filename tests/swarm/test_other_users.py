"""Users of other classes beside the fleet, and subclasses of ``CPEUser``."""

from __future__ import annotations

import argparse
import logging
from typing import Any

import pytest
from locust import HttpUser, User, tag, task
from locust.env import Environment

from caretaker.swarm.other_users import prepare_users
from caretaker.swarm.user import CPEUser

ACS = "http://acs.example.com:7547/"
SITE = "http://www.example.com"


def prepared(*kinds: Any, picker: bool = False, **options: Any) -> Any:
    """The environment of a locustfile with these classes, before its first run."""
    environment = Environment(
        host=ACS,
        user_classes=list(kinds),
        parsed_options=argparse.Namespace(**options),
        available_user_classes={kind.__name__: kind for kind in kinds} if picker else None,
    )
    prepare_users(environment)
    return environment


def started(environment: Environment, kind: type[User]) -> Any:
    """A user, made as Locust's runners make it."""
    for each in environment.user_classes:
        each.host = environment.host
    return kind(environment)


def portal(**attributes: Any) -> type[HttpUser]:
    return type("Portal", (HttpUser,), attributes)


class TestHosts:
    """The host of a run is the ACS."""

    def test_a_user_keeps_the_host_of_its_class(self) -> None:
        kind = portal(host=SITE)
        user = started(prepared(CPEUser, kind), kind)
        assert (user.host, user.client.base_url) == (SITE, SITE)

    def test_a_user_without_a_host_has_that_of_the_run(self) -> None:
        kind = portal()
        assert started(prepared(kind), kind).host == ACS

    def test_a_subclass_has_its_own_host_or_that_of_its_base(self) -> None:
        base = portal(host=SITE)
        own = type("Own", (base,), {"host": "http://own.example.com"})
        heir = type("Heir", (base,), {})
        environment = prepared(base, own, heir)
        hosts = [started(environment, kind).host for kind in (base, own, heir)]
        assert hosts == [SITE, "http://own.example.com", SITE]


class TestSubclasses:
    """A locustfile imports ``CPEUser`` to make a subclass of it, and Locust would run both."""

    def test_the_base_is_left_out_beside_a_subclass(self) -> None:
        kind, site = type("Home", (CPEUser,), {}), portal()
        environment = prepared(CPEUser, kind, site, picker=True)
        assert environment.user_classes == [kind, site]
        assert environment.available_user_classes == {"Home": kind, "Portal": site}

    def test_alone_it_stays(self) -> None:
        assert CPEUser in prepared(CPEUser, portal()).user_classes

    def test_both_run_where_the_command_line_names_both(self) -> None:
        kind = type("Home", (CPEUser,), {})
        named = prepared(CPEUser, kind, user_classes=["CPEUser", "Home"])
        assert named.user_classes == [CPEUser, kind]


class TestTags:
    """Tags choose among tasks, and CPEs are none."""

    @pytest.mark.parametrize(
        ("options", "left"),
        [
            ({"tags": ["slow"]}, ["search"]),
            ({"exclude_tags": ["slow"]}, ["visit"]),
            ({"tags": ["slow"], "exclude_tags": ["fast"]}, ["search"]),
            ({}, ["search", "visit"]),
        ],
    )
    def test_they_choose_tasks_of_other_users_only(
        self, caplog: pytest.LogCaptureFixture, options: dict[str, Any], left: list[str]
    ) -> None:
        class Site(User):
            @task
            @tag("slow")
            def search(self) -> None: ...

            @task
            def visit(self) -> None: ...

        home: Any = type("Home", (CPEUser,), {})
        environment = prepared(CPEUser, home, Site, user_classes=["CPEUser"], **options)
        with caplog.at_level(logging.WARNING):
            environment._filter_tasks_by_tags()
        assert CPEUser.tasks == home.tasks == [CPEUser.hold]
        assert [getattr(each, "__name__", "") for each in Site.tasks] == left
        assert environment.user_classes == [CPEUser, home, Site]
        assert caplog.messages == []

"""
Users of other classes in the same locustfile as the fleet, and subclasses of ``CPEUser``.

Locust treats all user classes alike: it gives each the host of the run, which is the ACS, runs
whatever a locustfile imports, and takes tasks away by their tags.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from locust import User
from locust.env import Environment

from caretaker.swarm.user import CPEUser

UserClass = type[User]


def prepare_users(environment: Environment) -> None:
    """
    Have the user classes of a locustfile run beside each other.

    A class keeps the ``host`` that the locustfile gives it. ``CPEUser`` itself is left out where
    there is a subclass of it, unless the command line names it. Tags choose among the tasks of
    other users only, as CPEs are no tasks.

    Args:
        environment: Locust's, before its first run.
    """
    named = getattr(environment.parsed_options, "user_classes", None) or ()
    if CPEUser.__name__ not in named:
        _leave_out_base(environment)
    for kind in environment.user_classes:
        if not issubclass(kind, CPEUser):
            _keep_host(kind)
    _filter_tasks_of_others(environment)


def _leave_out_base(environment: Environment) -> None:
    available: dict[str, Any] = environment.available_user_classes or {}
    if _has_subclass(environment.user_classes):
        environment.user_classes[:] = [k for k in environment.user_classes if k is not CPEUser]
    if _has_subclass(available.values()):
        available.pop(CPEUser.__name__, None)


def _has_subclass(kinds: Iterable[UserClass]) -> bool:
    return any(issubclass(kind, CPEUser) and kind is not CPEUser for kind in kinds)


def _keep_host(kind: UserClass) -> None:
    """Give each instance of a class the class's host, before Locust assigns the class another."""
    host, make = kind.host, kind.__init__
    if host is None:
        return

    def make_with_host(self: User, *args: Any) -> None:
        vars(self).setdefault("host", host)  # which a subclass may have set to its own
        make(self, *args)

    kind.__init__ = make_with_host  # type: ignore[assignment,method-assign]


def _filter_tasks_of_others(environment: Any) -> None:
    filter_tasks = environment._filter_tasks_by_tags  # noqa: SLF001  # there is no other way

    def filter_others() -> None:
        every = environment.user_classes
        environment.user_classes = [kind for kind in every if not issubclass(kind, CPEUser)]
        try:
            filter_tasks()
        finally:
            environment.user_classes = every

    environment._filter_tasks_by_tags = filter_others  # noqa: SLF001

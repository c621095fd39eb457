"""
What the answer to one RPC may hold, as the ACS chooses it (docs/budgets.md).

An ACS can name a parameter again and again, and objects within objects. A few kilobytes of names
would become an answer of megabytes. More than a budget is refused with fault 9004 (TR-069 A.5);
the whole tree of a CPE always fits.
"""

from __future__ import annotations

from collections.abc import Iterable

from caretaker.cwmp.faults import FaultCode
from caretaker.cwmp.messages import ParameterValueStruct
from caretaker.data_model.model import MAX_ADDED
from caretaker.data_model.overlay import MAX_OWN_TEXT
from caretaker.device.base import CPEBase
from caretaker.errors import FaultError

MAX_PARAMETERS = 2_000
"""Parameters of one request and of its answer, for a profile with less than that."""
MAX_TEXT = 1024 * 1024
"""Characters of the values in an answer, for a profile with less than that."""
MAX_ACCESS_LIST = 16
"""Entries of an AccessList."""
MAX_AFTER_SESSION = 16
"""Reboots and FactoryResets in one session, which take effect after it."""


def check_named(cpe: CPEBase, names: int) -> None:
    """
    Check how many parameters or objects a request names.

    Raises:
        FaultError: 9004, more than the budget.
    """
    if names > MAX_PARAMETERS and names > _size_of_tree(cpe):
        raise FaultError(FaultCode.RESOURCES_EXCEEDED, "Too many parameters")


def _size_of_tree(cpe: CPEBase) -> int:
    return len(cpe.model.parameters) + MAX_ADDED


def named_parameters(cpe: CPEBase, names: Iterable[str]) -> list[str]:
    """
    The parameters that names and partial paths stand for, in their order.

    Raises:
        FaultError: 9005, there is no such parameter; 9004, they are more than the budget.
    """
    model, overlay = cpe.model, cpe.overlay
    paths: list[str] = []
    for name in names:
        paths.extend(model.parameters_at(name, overlay))
        check_named(cpe, len(paths))
    return paths


def check_values(cpe: CPEBase, values: Iterable[ParameterValueStruct]) -> None:
    """
    Check how long the values of an answer are together.

    Raises:
        FaultError: 9004, longer than the budget.
    """
    text = sum([len(struct[1]) for struct in values])
    if text > MAX_TEXT and text > cpe.model.text + MAX_OWN_TEXT:
        raise FaultError(FaultCode.RESOURCES_EXCEEDED, "Too long values")


def check_after_session(cpe: CPEBase) -> None:
    """
    Check that one more request can have its effect after the session.

    Raises:
        FaultError: 9004, there are too many already.
    """
    if len(cpe.after_session) >= MAX_AFTER_SESSION:
        raise FaultError(FaultCode.RESOURCES_EXCEEDED, "Too many reboots")

"""The base that features build on: who may change a CPE, and its primitives."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from math import inf
from pathlib import Path

from helpers.cpes import cpe

from caretaker.cwmp import messages as m
from caretaker.device.base import CPEBase, Job
from caretaker.device.settings import Behaviors
from caretaker.device.transfer_record import Transfer, TransferState

OWNERS = {"base.py", "cpe.py", "resting_state.py"}
"""The last one gives a new CPE the whole state of one that has rested."""
QUIET = Behaviors(periodic_inform=False)


def _targets(tree: ast.AST) -> Iterator[ast.expr]:
    """Everything that is assigned to or deleted, tuples taken apart."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.Delete):
            for target in node.targets:
                yield from target.elts if isinstance(target, ast.Tuple) else (target,)
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            yield node.target


def _assigned(path: Path) -> Iterator[str]:
    """The attributes of ``cpe`` that a module assigns."""
    for target in _targets(ast.parse(path.read_text())):
        if isinstance(target, ast.Attribute) and ast.unparse(target.value) == "cpe":
            yield f"{path.name}:{target.lineno} {target.attr}"


def test_features_assign_no_attribute_of_a_cpe(root: Path) -> None:
    modules = (root / "caretaker" / "device").rglob("*.py")
    features = [path for path in modules if path.name not in OWNERS]
    assert [place for path in features for place in _assigned(path)] == []


def test_an_assignment_would_be_seen(tmp_path: Path) -> None:
    module = tmp_path / "feature.py"
    module.write_text(
        "cpe.due = 1\nx, cpe.events = (), ()\ncpe.failures += 1\ncpe.overlay.rows = None\n"
    )
    assert list(_assigned(module)) == [
        "feature.py:1 due",
        "feature.py:2 events",
        "feature.py:3 failures",
    ]


def test_features_know_the_base_alone(root: Path) -> None:
    for path in (root / "caretaker" / "device").rglob("*.py"):
        assert "device.cpe import" not in path.read_text(), path


def test_a_cpe_has_slots_alone() -> None:
    assert not hasattr(cpe(), "__dict__")


def _nothing(_: CPEBase, __: float) -> None:
    pass


def test_jobs_are_kept_earliest_first_and_in_the_order_planned() -> None:
    box = cpe(behaviors=QUIET)
    for at, key in ((9.0, "late"), (5.0, "first"), (5.0, "second")):
        box.plan(Job(at, "test", key, _nothing))
    assert [job.key for job in box.jobs] == ["first", "second", "late"]


def test_jobs_are_cancelled_by_kind_and_by_key() -> None:
    box = cpe(behaviors=QUIET)
    for kind, key in (("test", "a"), ("test", "b"), ("other", "a")):
        box.plan(Job(5.0, kind, key, _nothing))
    box.cancel("test", "a")
    assert [(job.kind, job.key) for job in box.jobs] == [("test", "b"), ("other", "a")]
    box.cancel("test")
    assert [(job.kind, job.key) for job in box.jobs] == [("other", "a")]


def test_a_transfer_keeps_its_place_when_its_state_changes() -> None:
    box = cpe()
    request = m.Download("key", "2 Web Content", "http://files/x")
    one, two = (Transfer(number, request, 0.0) for number in (1, 2))
    box.keep_transfer(one)
    box.keep_transfer(two)
    started = one._replace(state=TransferState.IN_PROGRESS)
    box.keep_transfer(started)
    assert list(box.transfers) == [started, two]
    box.drop_transfer(started)
    assert list(box.transfers) == [two]


def test_a_changed_parameter_is_reported_once() -> None:
    box = cpe()
    for path in ("Device.A", "Device.B", "Device.A"):
        box.add_changed(path)
    assert box.changed == ("Device.A", "Device.B")


def test_a_request_is_announced_by_its_event() -> None:
    box = cpe()
    box.events = ()
    box.ask(m.Kicked("", "", "", ""), 50.0)
    box.ask(m.GetRPCMethods(), 60.0)
    assert [event.event_code for event in box.pending] == ["5 KICKED"]
    assert [type(request) for request in box.requests] == [m.Kicked, m.GetRPCMethods]


def test_an_event_for_another_session_asks_for_none() -> None:
    box = cpe(behaviors=QUIET)
    box.session_due = inf
    box.raise_event(m.EventStruct("M Reboot", "key"), inf)
    assert box.reschedule(1.0) == inf
    box.raise_event(m.EventStruct("2 PERIODIC"), 7.0)
    assert box.reschedule(1.0) == 7.0


def test_values_of_management_server_are_read_by_their_last_name() -> None:
    box = cpe()
    assert box.management_value("URL", 0.0) == box.acs_url(0.0) == "http://acs/"
    assert box.management_value("NoSuchParameter", 0.0) == ""
    assert box.setting("PeriodicInformInterval", 1.0, 0.0) == 300.0
    assert box.setting("NoSuchParameter", 1.5, 0.0) == 1.5


def test_a_parameter_that_is_not_there_is_not_found() -> None:
    box = cpe()
    assert box.find("Device.Nothing", 0.0) is None
    assert box.value("Device.Nothing", 0.0) == ""
    assert box.read("Device.DeviceInfo.SerialNumber", 0.0).value == box.serial_number

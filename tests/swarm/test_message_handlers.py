"""Where messages between master and workers go."""

from __future__ import annotations

import inspect
import re
from types import SimpleNamespace
from typing import Any

from caretaker.swarm import master_role, message_handlers, worker_role
from caretaker.swarm.message_handlers import SLOW, listen
from caretaker.swarm.worker_messages import Drain, Message, Refusal

MESSAGES = [kind for kind in Message.__subclasses__() if kind.__module__ == Message.__module__]


class Runner:
    """Remembers who listens, as Locust's runner does."""

    def __init__(self) -> None:
        self.listeners: dict[str, tuple[Any, bool]] = {}

    def register_message(self, name: str, listener: Any, *, concurrent: bool) -> None:
        self.listeners[name] = (listener, concurrent)


def test_a_message_is_read_and_passed_on_with_the_name_of_its_worker() -> None:
    runner, received = Runner(), []
    listen(runner, {Refusal: lambda *message: received.append(message), Drain: print})
    listener, is_concurrent = runner.listeners[Refusal.NAME]
    message = SimpleNamespace(node_id="vm_1", data=Refusal("no port is free").to_wire())
    listener(environment=None, msg=message)
    assert received == [("vm_1", Refusal("no port is free"))]
    assert (is_concurrent, runner.listeners[Drain.NAME][1]) == (False, True)


def test_each_kind_of_message_has_one_handler() -> None:
    modules = master_role, message_handlers, worker_role
    source = "".join([inspect.getsource(module) for module in modules])
    handled = re.findall(r"(?:^ +|\{)([A-Z]\w+): (?:self\.|master\.|lambda)", source, re.MULTILINE)
    assert sorted(handled) == sorted(kind.__name__ for kind in MESSAGES)
    assert set(MESSAGES) >= SLOW

"""
Which message between master and workers goes to whom.

``MasterRole`` and ``WorkerRole`` add the handlers of messages that concern the process as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from caretaker.swarm.master import Master
from caretaker.swarm.worker import Worker
from caretaker.swarm.worker_messages import (
    ACSCheck,
    CRServerAddress,
    Drain,
    FleetAction,
    Message,
    ProfilePart,
    ProfilePartRequest,
    StateKept,
    StateRecords,
    StoredCPEs,
    WorkerAnswer,
    WorkerQuery,
    WorkerWaits,
)

Handlers = Mapping[type[Message], Callable[[str, Any], None]]
"""What takes each kind of message; it gets the name of the worker, too."""

SLOW = frozenset({ACSCheck, Drain, FleetAction, WorkerQuery})
"""Messages that take a while: each has a greenlet of its own, and others don't wait for it."""


def listen(runner: Any, handlers: Handlers) -> None:
    """Have Locust's runner pass on the messages that it receives."""
    for kind, handler in handlers.items():
        listener = partial(_pass_on, kind, handler)
        runner.register_message(kind.NAME, listener, concurrent=kind in SLOW)


def _pass_on(
    kind: type[Message], handler: Callable[[str, Any], None], msg: Any, **_: Any
) -> None:  # fmt: skip
    handler(msg.node_id, kind.from_wire(msg.data))


def handlers_of_master(master: Master) -> Handlers:
    """What a master does with the messages of its workers."""
    return {
        CRServerAddress: master.cr_server,
        ProfilePartRequest: master.send_profile,
        StateRecords: master.keep_state,
        WorkerAnswer: master.queries.answered,
        WorkerWaits: master.worker_waits,
    }


def handlers_of_worker(worker: Worker) -> Handlers:
    """What a worker does with the messages of its master."""
    return {
        FleetAction: lambda _, action: worker.act(action),
        ProfilePart: lambda _, part: worker.profiles.received(part),
        StateKept: lambda _, kept: worker.state_kept(kept.number),
        StoredCPEs: lambda _, stored: worker.stored.received(stored.cpes),
        WorkerQuery: lambda _, query: worker.send(WorkerAnswer(query.id, worker.answer(query))),
    }

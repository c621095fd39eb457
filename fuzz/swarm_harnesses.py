"""The harness of what anybody can send to a master, or to a worker in the place of its master."""

from __future__ import annotations

from caretaker.errors import InputError
from caretaker.run_token import RunToken
from caretaker.swarm import joining
from fuzz.harness import LINE, Harness

_TOKEN = RunToken("of-the-whole-run")
_FACTS = joining.ProcessFacts("1.2.3", "ab", "3.11.2", "loadgen-0", 7)


def _joining(data: bytes) -> object:
    """Whatever comes, nobody is admitted who has not proved the token."""
    master = joining.Admissions(_TOKEN, _FACTS)
    reply = master.receive("w1", data)
    assert not master.is_admitted("w1")
    worker = joining.Joining(_TOKEN, _FACTS, "the master")
    worker.request("w1")
    try:
        heard: object = type(worker.receive(*joining.read_message(data))).__name__
    except (ValueError, InputError) as error:
        heard = type(error).__name__ if isinstance(error, ValueError) else str(error)
    assert not worker.is_admitted
    return type(reply.message).__name__, reply.complaint, heard


SWARM: dict[str, Harness] = {"joining": Harness(_joining, (joining,), max_bytes=LINE)}
"""The harness by its name."""

"""
A kit for tests of ACSs and CPEs, without a network, a real clock or a process (docs/testing.md).

* ``SimulatedCPE`` plays sessions of a real profile against an ACS: does it answer this CPE rightly?
* ``ScriptedACS`` and ``ScriptedCPE`` are ends of a session whose answers the test gives.
* ``play_session`` plays one session over a transport and returns its ``Transcript``.
* ``WSGITransport`` leads to a WSGI application, ``FunctionTransport`` to a function.
* ``Clock`` moves only when the test says so.

Caretaker's own tests use this kit; nothing else in the package imports it.
"""

from caretaker.testing.clock import Clock
from caretaker.testing.scripted import ACS_ANSWERS, ScriptedACS, ScriptedCPE
from caretaker.testing.sessions import Transcript, play_session
from caretaker.testing.simulated_cpe import SimulatedCPE
from caretaker.testing.transports import ACS_URL, FunctionTransport, WSGITransport

__all__ = [
    "ACS_ANSWERS",
    "ACS_URL",
    "Clock",
    "FunctionTransport",
    "ScriptedACS",
    "ScriptedCPE",
    "SimulatedCPE",
    "Transcript",
    "WSGITransport",
    "play_session",
]

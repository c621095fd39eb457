"""
The embedded ACS: a small one, so that one command shows the whole loop.

``sessions`` answers CPEs, ``north_bound`` answers operators in GenieACS's form; both work on
``acs``, which has the ``devices``, their ``parameters`` and ``tasks``. ``task_rpcs`` turns a task
into RPCs. Nothing here imports ``caretaker.device``: an ACS knows CPEs by their messages only.
"""

from caretaker.acs.server import ACSServer

__all__ = ["ACSServer"]

"""How a CWMP session ended: the word that devices, statistics and the engine share."""

from __future__ import annotations

import enum
from typing import Final


class Outcome(enum.Enum):
    """How a session ended, as its CPE sees it."""

    __hash__ = object.__hash__  # looked up for each session: faster than Enum's own hash

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SHED = "shed"
    """The ACS shed load with a 503; for the CPE a failure like any other."""
    ABANDONED = "abandoned"
    """The CPE lost its power during the session: a failure of neither side."""


SUCCEEDED: Final = Outcome.SUCCEEDED
ABANDONED: Final = Outcome.ABANDONED
"""For the path of every session: a member of an Enum takes a call of Python to look up."""

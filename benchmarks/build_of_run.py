"""Which build of Caretaker a load test ran, by its summary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caretaker.build import build_name


def other_build(summary: Mapping[str, Any]) -> str:
    """
    The build that a load test ran, if it is not that of this process; else empty.

    Locust puts the current folder and that of the locustfile before all else on Python's path. In
    this folder it would find the sources before a build of them.
    """
    version = str(summary.get("version"))
    return "" if version == build_name() else version

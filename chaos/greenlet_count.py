"""How many greenlets a process has."""

from __future__ import annotations

import gc
import json
from collections import Counter
from pathlib import Path
from typing import Any

from greenlet import greenlet


def greenlets() -> Counter[str]:
    """The greenlets that run or wait, by what they run."""
    gc.unfreeze()  # the collector is kept off those that are there since the start
    living = [each for each in gc.get_objects() if isinstance(each, greenlet) and not each.dead]
    return Counter(_name(each) for each in living)


def _name(each: Any) -> str:
    run = getattr(each, "_run", None) or type(each)
    return str(getattr(run, "__qualname__", type(run).__name__))


def counted_in(folder: Path, pid: int) -> Path:
    """The file for the count of a process."""
    return folder / f"greenlets-{pid}.json"


def write_count(file: Path) -> None:
    """Write the greenlets of this process to a file, which is there when it is complete."""
    part = file.with_suffix(".part")
    part.write_text(json.dumps(greenlets()))
    part.replace(file)

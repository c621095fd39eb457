"""``python -m fuzz.worker HARNESS [options of libFuzzer] FOLDER ...``: fuzzes until it is told."""

from __future__ import annotations

import os
import sys

os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"

import atheris

with atheris.instrument_imports(include=["caretaker"]):
    from fuzz.harnesses import HARNESSES

if __name__ == "__main__":
    harness = HARNESSES[sys.argv[1]]
    atheris.Setup([sys.argv[0], *sys.argv[2:]], harness.run)
    atheris.Fuzz()

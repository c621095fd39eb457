"""
``python -m fuzz.worker HARNESS MODULE,... [options of libFuzzer] FOLDER ...``: fuzzes until told.

The edges of these modules guide it. Others are left as they are, which is faster.
"""

from __future__ import annotations

import gc
import sys

import atheris

with atheris.instrument_imports(include=sys.argv[2].split(",")):
    from caretaker import nearest_names
    from fuzz.harnesses import HARNESSES

# What is proposed for a wrong name takes ten times as long as to find it wrong.
nearest_names.get_close_matches = lambda *_: []  # type: ignore[attr-defined]

if __name__ == "__main__":
    gc.freeze()  # what is imported stays; to look at it again and again takes time
    harness = HARNESSES[sys.argv[1]]
    harness.run(b"")  # what it makes once, such as a C extension, is not in the time of an input
    # To merge, libFuzzer calls itself by this command.
    command = f"{sys.executable} -m fuzz.worker {sys.argv[1]} {sys.argv[2]}"
    atheris.Setup([command, *sys.argv[3:]], harness.run)
    atheris.Fuzz()

"""Output that nobody reads ends no command, and prints no traceback."""

from __future__ import annotations

import subprocess
import sys

import pytest

SAY = "from caretaker.closed_output import say; say('a'); say('b')"
COMMAND = """
from caretaker.__main__ import main
raise SystemExit(main(["profile", "show", "tr181"]))
"""


@pytest.mark.parametrize(("program", "code"), [(SAY, 0), (COMMAND, 141)])
def test_a_pipe_that_is_closed(program: str, code: int) -> None:
    reading = subprocess.Popen(["true"], stdin=subprocess.PIPE)
    reading.wait()
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=reading.stdin, stderr=subprocess.PIPE, check=False
    )
    assert reading.stdin is not None
    reading.stdin.close()
    assert (done.returncode, done.stderr) == (code, b"")

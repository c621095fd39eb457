"""Debian's coturn as a STUN server of a test."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAM = shutil.which("turnserver")
needs_coturn = pytest.mark.skipif(
    PROGRAM is None, reason="coturn is absent; ./scripts/setup servers installs it (Debian: coturn)"
)


@contextmanager
def coturn(folder: Path, port: int, *login: str) -> Iterator[None]:
    """
    A STUN server at a port of loopback, which answers classic requests, too.

    Debian's own configuration leaves these unanswered; ``-n`` has it read none. ``login`` are its
    options on credentials; nobody is asked for them by default.
    """
    assert PROGRAM is not None
    server = subprocess.Popen(
        [
            PROGRAM, "-n", "--stun-only", *(login or ("--no-auth",)), "--no-cli", "--no-tls",
            "--no-dtls", "--no-tcp", "--listening-ip", "127.0.0.1", "--listening-port", str(port),
            "--pidfile", str(folder / "pid"), "--log-file", str(folder / "log"), "--simple-log",
            "--userdb", str(folder / "users"),
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder,
    )  # fmt: skip
    try:
        yield
    finally:
        server.terminate()
        server.wait()

"""Certificates for the benchmark of TLS, made by the openssl command, with keys of P-256."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Self

from caretaker.errors import InputError

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class TLSFiles:
    """
    A CA, and the certificates of a server and of clients; a context manager.

    Args:
        clients: how many clients there are.

    Raises:
        InputError: the openssl command is not installed, or failed.
    """

    def __init__(self, clients: int) -> None:
        if shutil.which("openssl") is None:
            raise InputError("openssl: not installed; on Debian: apt-get install openssl")
        self._folder = tempfile.TemporaryDirectory(prefix="caretaker-tls-")
        self.folder = Path(self._folder.name)
        self.ca = self.folder / "ca.pem"
        self.clients = [self.folder / f"client-{index}.pem" for index in range(clients)]
        self.server = self.folder / "server.pem"
        self._make(self.ca, "/CN=CA", "-x509")
        self._make(self.server, "/CN=ACS", "-addext", "subjectAltName=IP:127.0.0.1")
        for index, client in enumerate(self.clients):
            self._make(client, f"/CN=CPE {index}")
        self.all_clients = self.folder / "clients.pem"
        self.all_clients.write_bytes(b"".join(client.read_bytes() for client in self.clients))

    def _make(self, path: Path, subject: str, *more: str) -> None:
        """Make a file with a certificate and its key; the CA signs all but its own."""
        signed = () if path == self.ca else ("-x509", "-CA", str(self.ca), "-CAkey", str(self.ca))
        command = ("openssl", "req", *more, *signed, *_KEY, "-subj", subject, "-days", "2")
        key = path.with_suffix(".key")
        files = ("-keyout", str(key), "-out", str(path))
        made = subprocess.run([*command, *files], check=False, capture_output=True, text=True)  # noqa: S603
        if made.returncode:
            raise InputError(f"openssl req: {made.stderr.strip()}")
        with path.open("ab") as file:
            file.write(key.read_bytes())

    def __enter__(self) -> Self:
        """Return itself; the files are made already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the files."""
        self._folder.cleanup()

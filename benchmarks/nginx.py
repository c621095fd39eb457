"""
The sink: nginx as an ACS that costs almost nothing, on the other core.

A cwmp:ID need only be unique within a session (TR-069 3.5), and every session of ours begins with
1; so a constant InformResponse, and 204 for the empty POST, are a complete ACS.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple, Self

from benchmarks.processes import SINK, free_port, pin
from caretaker.cwmp import encode
from caretaker.cwmp import messages as m
from caretaker.cwmp.envelope import CWMP_1_2, Envelope
from caretaker.errors import InputError

INFORM_RESPONSE = encode(Envelope(m.InformResponse(1), "1", CWMP_1_2))
_MISSING = "nginx: not installed; on Debian: apt-get install nginx-light"
_SECONDS = 10.0
_CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    {map}
    default_type 'text/xml; charset="utf-8"';
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096{tls};
        location / {{
            {location}
            return 200 '{inform_response}';
        }}
    }}
}}
"""


class Answers(NamedTuple):
    """
    What the sink answers, in nginx's words.

    Args:
        location: decides about a request; what it leaves gets the InformResponse.
        map: of variables that ``location`` uses.
    """

    location: str
    map: str = ""


PLAIN = Answers("if ($content_length = 0) { return 204; }")
"""The InformResponse, and nothing more."""

_TLS = """ ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {certificate};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_client_certificate {ca};
        ssl_verify_client {asks}"""


def quoted(body: bytes) -> str:
    """A body between the quotes of nginx's configuration."""
    return body.decode().replace("'", "\\'")


class ServerTLS(NamedTuple):
    """
    TLS of the sink; it gives tickets.

    Args:
        certificate: PEM file of the server's certificate and key.
        ca: PEM file of the certificate that signs those of clients.
        asks: whether clients must show a certificate.
    """

    certificate: Path
    ca: Path
    asks: bool

    def __str__(self) -> str:
        """As nginx is configured."""
        asks = "on" if self.asks else "off"
        return _TLS.format(certificate=self.certificate, ca=self.ca, asks=asks)


class Nginx:
    """
    nginx as the sink, started; a context manager.

    Args:
        tls: which it speaks; plain HTTP if None.
        answers: what it answers.

    Raises:
        InputError: nginx is not installed, or does not start.
    """

    def __init__(self, tls: ServerTLS | None = None, answers: Answers = PLAIN) -> None:
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
        if program is None:
            raise InputError(_MISSING)
        self.port = free_port()
        self._scheme = "http" if tls is None else "https"
        self._folder = tempfile.TemporaryDirectory(prefix="caretaker-nginx-")
        folder = Path(self._folder.name)
        text = _CONFIGURATION.format(
            folder=folder,
            port=self.port,
            inform_response=quoted(INFORM_RESPONSE),
            tls=tls or "",
            **answers._asdict(),
        )
        (folder / "nginx.conf").write_text(text)
        command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
        self._log = folder / "error.log"
        self._process = subprocess.Popen([*command, "-e", str(self._log)])  # noqa: S603
        pin(self._process.pid, SINK)
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def _wait(self) -> None:
        """Wait until nginx takes connections."""
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        log = self._log.read_text().strip() if self._log.exists() else ""
        raise InputError(f"nginx: did not start; {log or 'its log is empty'}")

    @property
    def url(self) -> str:
        """Where CPEs inform."""
        return f"{self._scheme}://127.0.0.1:{self.port}/"

    def close(self) -> None:
        """End nginx and remove its folder."""
        self._process.terminate()
        self._process.wait()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        """Return itself; nginx runs already."""
        return self

    def __exit__(self, *_: object) -> None:
        """End nginx."""
        self.close()

"""The cost of WSGI hosts alone: applications that answer with constants."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from gevent.pywsgi import WSGIServer

from benchmarks.nginx import INFORM_RESPONSE
from benchmarks.processes import cpu_seconds
from caretaker.cwmp import encode
from caretaker.cwmp import messages as m
from caretaker.cwmp.envelope import CWMP_1_2, Envelope
from caretaker.http.gevent_loop import Loop
from caretaker.http.server import WSGIHost

_CHALLENGE = 'Digest realm="Connection Request", qop="auth", algorithm=MD5, nonce="0"'
_TASK = encode(Envelope(m.GetParameterValues(("Device.DeviceInfo.UpTime",)), "t", CWMP_1_2))
_Start = Callable[[str, list[tuple[str, str]]], object]


def connection_requests(environ: dict[str, Any], start: _Start) -> Iterable[bytes]:
    """Answer 401 to a GET without credentials, 200 to one with any."""
    if "HTTP_AUTHORIZATION" in environ:
        start("200 OK", [("Content-Length", "0")])
    else:
        start("401 Unauthorized", [("WWW-Authenticate", _CHALLENGE), ("Content-Length", "0")])
    return []


def acs(environ: dict[str, Any], start: _Start) -> Iterable[bytes]:
    """Answer an Inform, the empty POST with a task, and the task's response with the end."""
    body = environ["wsgi.input"].read()
    answer = b""
    if b":Inform>" in body:
        answer = INFORM_RESPONSE
    elif not body:
        answer = _TASK
    start("200 OK" if answer else "204 No Content", [("Content-Length", str(len(answer)))])
    return [answer] if answer else []


class Bare:
    """
    A server of one of these applications.

    Args:
        app: the name of the application.
        own: whether Caretaker's server is the host, not pywsgi.
    """

    def __init__(self, *, app: str, own: bool = False) -> None:
        applications: dict[str, Any] = {"acs": acs, "connection_requests": connection_requests}
        make = _on_ours if own else _on_pywsgi
        self._url = make(applications[app])

    def url(self) -> str:
        """The URL of the server."""
        return self._url

    def cpu(self) -> float:
        """CPU seconds of this process so far."""
        return cpu_seconds()


def _on_pywsgi(app: Any) -> str:
    server = WSGIServer(("127.0.0.1", 0), app, log=None)
    server.start()
    return f"http://127.0.0.1:{server.server_port}/"


def _on_ours(app: Any) -> str:
    host = WSGIHost(app, "127.0.0.1", 0, Loop())
    host.start()
    return f"{host.url}/"

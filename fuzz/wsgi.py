"""Asking WSGI applications without a server: a client of a test library takes ten times as long."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any
from wsgiref.headers import Headers

from caretaker.http import request_parser

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

_SERVER = {
    "wsgi.url_scheme": "http",
    "SERVER_NAME": "acs",
    "SERVER_PORT": "80",
    "REMOTE_ADDR": "127.0.0.1",
}


class Answer:
    """An answer: its status line, and its headers."""

    def __init__(self) -> None:
        self.status = ""
        self.headers = Headers()

    def start(self, status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
        """Take what an application says of its answer."""
        self.status, self.headers = status, Headers(headers)


def request(method: str, path: str, body: bytes = b"", **more: str) -> dict[str, Any]:
    """The environ of a request; ``more`` has headers and the query as WSGI names them."""
    return {
        **_SERVER,
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
        **more,
    }


def asked(app: WSGIApplication, environ: dict[str, Any]) -> Answer:
    """The answer of an application, which is no error of the server."""
    answer = Answer()
    for _ in app(environ, answer.start):
        pass
    assert not answer.status.startswith("5") or answer.status[:3] in ("503", "504"), answer.status
    return answer


def served(app: WSGIApplication, data: bytes) -> list[str]:
    """The statuses of the answers to what comes over a connection, as our server reads it."""
    reader = request_parser.RequestReader(dict(_SERVER))
    reader.feed(data)
    statuses = [
        str(request.refusal) if request.refusal else asked(app, request.environ).status
        for request in reader.requests
    ]
    reader.close()
    return statuses

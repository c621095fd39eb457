"""
The north-bound API in the shape of GenieACS's, as far as load drivers need it.

* ``GET /devices/?query=JSON&projection=A,B&limit=N&skip=N``: devices.
* ``POST /devices/<id>/tasks?timeout=MS&connection_request``: do a task, or without a body only send
  a Connection Request. 200: done; 202 with a reason phrase of GenieACS's: queued, faulted, or why
  the Connection Request failed; 504, with that as its body: there was no task.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from math import isfinite
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import gevent
from werkzeug.exceptions import BadRequest, HTTPException, MethodNotAllowed, NotFound
from werkzeug.wrappers import Request, Response

from caretaker.acs.acs import ACS
from caretaker.acs.devices import matches, project
from caretaker.acs.task_rpcs import parse_task
from caretaker.errors import DeviceNotFound, InputError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

DEFAULT_TIMEOUT_MS = 3500
"""GenieACS's 4000, which it looks at in steps of 500 and so gives up one step early."""
MAX_TIMEOUT_MS = 3_600_000
MAX_DEPTH = 32
"""How deeply a query or task may be nested; a task needs four levels."""
MAX_DIGITS = 100
"""Characters of a number in a query or task."""
MAX_COUNT = 10**9
"""Of devices, in ``limit`` and ``skip``."""
MAX_TASK_BYTES = 4 * 1024 * 1024
_DEVICES_IN_A_TURN = 50
"""Devices that a query looks at in one turn of the loop, in which sessions wait."""


class NorthBoundApp:
    """
    The WSGI application that operators talk to.

    Args:
        acs: the devices.
    """

    def __init__(self, acs: ACS) -> None:
        self._acs = acs

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request of an operator."""
        request = Request(environ)
        request.max_content_length = MAX_TASK_BYTES
        try:
            response = self._route(request)
        except HTTPException as error:
            response = Response(f"{error.description}\n", error.code, mimetype="text/plain")
        return response(environ, start_response)

    def _route(self, request: Request) -> Response:
        # Ids hold percent signs of their own, so the path is split before it is decoded.
        raw = str(request.environ.get("REQUEST_URI") or request.path).partition("?")[0]
        parts = [unquote(part) for part in raw.strip("/").split("/")]
        if parts == ["devices"]:
            _allow(request, "GET", "HEAD")
            return self._devices(request)
        if len(parts) == 3 and (parts[0], parts[2]) == ("devices", "tasks"):
            _allow(request, "POST")
            return self._tasks(request, parts[1])
        raise NotFound("no such resource")

    def _devices(self, request: Request) -> Response:
        query = _json(request.args.get("query") or "{}", "query")
        if not isinstance(query, dict):
            raise BadRequest("query: must be a JSON object")
        limit = _number(request, "limit")
        skip = _number(request, "skip") or 0
        paths = (request.args.get("projection") or "").split(",")
        try:
            matching = islice(self._matching(query), skip, None if limit is None else skip + limit)
            documents = [project(document, paths) for document in matching]
        except InputError as error:
            raise BadRequest(str(error)) from error
        return _answer(200, None, documents)

    def _matching(self, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
        wanted = query.get("_id")
        if isinstance(wanted, str):  # most queries are for one device
            device = self._acs.devices.get(wanted)
            devices = [device] if device is not None else []
        else:
            devices = list(self._acs.devices.values())
        for at, device in enumerate(devices, 1):
            document = device.document()
            if matches(document, query):
                yield document
            if at % _DEVICES_IN_A_TURN == 0:
                gevent.sleep(0)

    def _tasks(self, request: Request, device_id: str) -> Response:
        connection_request = "connection_request" in request.args
        timeout_ms = request.args.get("timeout", DEFAULT_TIMEOUT_MS, type=int)
        timeout = min(max(timeout_ms, 0), MAX_TIMEOUT_MS) / 1000
        body = request.get_data()
        try:
            if not body.strip():
                if not connection_request:
                    raise BadRequest("task: the body is empty")
                reason = self._acs.connection_request(device_id)
                return Response(reason or "", 200 if reason is None else 504, mimetype="text/plain")
            task = parse_task(_json(body, "task"))
            reason = self._acs.post_task(
                device_id, task, timeout, connection_request=connection_request
            )
        except DeviceNotFound as error:
            raise NotFound("No such device") from error
        except InputError as error:
            raise BadRequest(str(error)) from error
        return _answer(200 if reason is None else 202, reason, task.document(device_id))


def _allow(request: Request, *methods: str) -> None:
    if request.method not in methods:
        raise MethodNotAllowed(list(methods))


def _number(request: Request, name: str) -> int | None:
    text = request.args.get(name) or None
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        raise BadRequest(f"{name}: not a number from 0 on")
    return min(int(text), MAX_COUNT)


def _json(text: str | bytes, name: str) -> Any:
    try:
        value = json.loads(
            text, parse_int=_whole, parse_float=_decimal, parse_constant=_no_constant
        )
    except ValueError as error:
        raise BadRequest(f"{name}: not JSON ({error})") from error
    except RecursionError as error:
        raise BadRequest(f"{name}: {_TOO_DEEP}") from error
    if _depth(value) > MAX_DEPTH:
        raise BadRequest(f"{name}: {_TOO_DEEP}")
    return value


_TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep"


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number of more than {MAX_DIGITS} digits")
    return int(digits)


def _decimal(digits: str) -> float:
    number = float(digits)
    if len(digits) > MAX_DIGITS or not isfinite(number):
        raise ValueError("a number that is too large")
    return number


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _depth(value: Any) -> int:
    """How deeply objects and arrays are nested."""
    depth, level = 0, [value]
    while level:
        inner = [part for part in level if isinstance(part, dict | list)]
        level = [
            each for part in inner for each in (part.values() if isinstance(part, dict) else part)
        ]
        depth += bool(inner)
    return depth


def _answer(status: int, reason: str | None, document: Any) -> Response:
    body = "" if document is None else json.dumps(document)
    return Response(body, f"{status} {reason}" if reason else status, mimetype="application/json")

"""
The north-bound API in the shape of GenieACS's, as far as fleets and their operators need it.

* ``GET /devices/?query=JSON&projection=A,B&sort=JSON&limit=N&skip=N``: devices, and likewise the
  other ``COLLECTIONS``; how many there are without ``limit`` is in the header ``total``.
* ``POST /devices/<id>/tasks?timeout=MS&connection_request``: do a task, or without a body only send
  a Connection Request. 200: done; 202 with a reason phrase of GenieACS's: queued, faulted, or why
  the Connection Request failed; 504, with that as its body: there was no task.
* ``_ROUTES`` has the rest. ``docs/embedded-acs.md`` says what differs from GenieACS.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from caretaker.acs.acs import ACS
from caretaker.acs.collections import COLLECTIONS, Search
from caretaker.acs.files import MAX_FILE_BYTES
from caretaker.acs.posted_json import parse_count, parse_json, parse_object
from caretaker.acs.presets import parse_preset
from caretaker.acs.queries import order_of
from caretaker.acs.task_rpcs import parse_task
from caretaker.errors import DeviceBusy, DeviceNotFound, InputError
from caretaker.plain_numbers import whole_number

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

DEFAULT_TIMEOUT_MS = 4000
STEP_MS = 500
"""GenieACS looks whether a session has begun once in this time."""
MAX_TIMEOUT_MS = 3_600_000
MAX_TASK_BYTES = 4 * 1024 * 1024
MAX_STORED = 1_000
"""Presets, and provisions."""
MAX_TAGS = 1_000
"""Of one device."""
MAX_TAG = 256
"""Characters of a tag."""


def begin_seconds(timeout_ms: int) -> float:
    """How long GenieACS waits for a session to begin: whole steps, and the last one is missing."""
    if timeout_ms < STEP_MS:
        return 0.0
    return max(1, (min(timeout_ms, MAX_TIMEOUT_MS) - 1) // STEP_MS) * STEP_MS / 1000


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
        except InputError as error:
            response = _text(400, f"{error}\n")
        except DeviceNotFound:
            response = _text(404, "No such device")
        except DeviceBusy:
            response = _text(503, "Device is in session")
        except HTTPException as error:  # the body is too large
            response = _text(error.code or 400, f"{error.description}\n")
        return response(environ, start_response)

    def _route(self, request: Request) -> Response:
        # Ids hold percent signs of their own, so the path is split before it is decoded.
        raw = str(request.environ.get("REQUEST_URI") or request.path).partition("?")[0]
        parts = [unquote(part) for part in raw.strip("/").split("/")]
        for route in _ROUTES:
            names = route.names(parts)
            if names is None:
                continue
            handler = route.methods.get(request.method)
            if handler is not None:
                return handler(self._acs, request, *names)
            response = _text(405, "405 Method Not Allowed")
            response.headers["Allow"] = ", ".join(route.methods)
            return response
        return _text(404, "404 Not Found")


def _text(status: int, text: str = "", reason: str = "") -> Response:
    return Response(text, _status_line(status, reason), mimetype="text/plain")


def _json(status: int, reason: str | None, document: Any) -> Response:
    line = _status_line(status, reason)
    return Response(json.dumps(document), line, mimetype="application/json")


def _status_line(status: int, reason: str | None) -> str:
    return f"{status} {reason or HTTPStatus(status).phrase}"


# -- collections ----------------------------------------------------------------------------------


def _find(acs: ACS, request: Request, name: str) -> Response:
    collection = COLLECTIONS.get(name)
    if collection is None:
        return _text(404, "404 Not Found")
    given = request.args
    search = Search(
        parse_object(given.get("query") or "{}", "query"),
        order_of(parse_json(given.get("sort") or "{}", "sort")),
        parse_count(given.get("skip", ""), "skip"),
        parse_count(given.get("limit", ""), "limit"),
        (given.get("projection") or "").split(","),
    )
    total, documents = collection.find(acs, search)
    response = _json(200, None, documents)
    response.headers["total"] = str(total)
    return response


def _delete_device(acs: ACS, _: Request, device_id: str) -> Response:
    acs.delete_device(device_id)
    return _text(200)


def _add_tag(acs: ACS, _: Request, device_id: str, tag: str) -> Response:
    device = acs.devices.get(device_id)
    if device is not None:  # as in GenieACS, it is no error if none has that id
        if len(tag) > MAX_TAG or len(device.tags) >= MAX_TAGS:
            raise InputError(f"tag: {MAX_TAGS} of {MAX_TAG} characters at most for one device")
        device.tags = tuple(dict.fromkeys((*device.tags, tag)))
    return _text(200)


def _delete_tag(acs: ACS, _: Request, device_id: str, tag: str) -> Response:
    device = acs.devices.get(device_id)
    if device is not None:
        device.tags = tuple(each for each in device.tags if each != tag)
    return _text(200)


def _delete_fault(acs: ACS, _: Request, fault_id: str) -> Response:
    acs.delete_fault(fault_id)
    return _text(200)


def _put_file(acs: ACS, request: Request, name: str) -> Response:
    request.max_content_length = MAX_FILE_BYTES
    headers = ("fileType", "oui", "productClass", "version")
    metadata = {header: request.headers[header] for header in headers if header in request.headers}
    acs.files.upload(name, request.get_data(), metadata)
    return _text(201)


def _delete_file(acs: ACS, _: Request, name: str) -> Response:
    return _text(404, "404 Not Found") if acs.files.pop(name, None) is None else _text(200)


def _put_preset(acs: ACS, request: Request, name: str) -> Response:
    _check_room(acs.presets, name, "presets")
    acs.presets[name] = parse_preset(name, parse_json(request.get_data(), "preset"))
    return _text(200)


def _delete_preset(acs: ACS, _: Request, name: str) -> Response:
    acs.presets.pop(name, None)
    return _text(200)


def _put_provision(acs: ACS, request: Request, name: str) -> Response:
    _check_room(acs.provisions, name, "provisions")
    acs.provisions[name] = request.get_data().decode("utf-8", "replace")
    return _text(200)


def _delete_provision(acs: ACS, _: Request, name: str) -> Response:
    acs.provisions.pop(name, None)
    return _text(200)


def _check_room(stored: dict[str, Any], name: str, what: str) -> None:
    if name not in stored and len(stored) >= MAX_STORED:
        raise InputError(f"{what}: there are {MAX_STORED} already; delete some")


# -- tasks ----------------------------------------------------------------------------------------


def _post_task(acs: ACS, request: Request, device_id: str) -> Response:
    has_request = "connection_request" in request.args
    body = request.get_data()
    if not body.strip():
        return _connection_request(acs, device_id) if has_request else _text(400, _EMPTY)
    posted = acs.files.of_task(parse_json(body, "task"))
    timeout_ms = whole_number(request.args.get("timeout", ""))
    timeout = begin_seconds(DEFAULT_TIMEOUT_MS if timeout_ms is None else timeout_ms)
    task = parse_task(posted)
    reason = acs.post_task(device_id, task, timeout, connection_request=has_request)
    return _json(200 if reason is None else 202, reason, task.document(device_id))


_EMPTY = "task: the body is empty\n"


def _connection_request(acs: ACS, device_id: str) -> Response:
    reason = acs.connection_request(device_id)
    return _text(200) if reason is None else _text(504, reason, reason)


def _retry_task(acs: ACS, _: Request, task_id: str) -> Response:
    found = acs.task(task_id)
    if found is None:
        return _text(404, "Task not found")
    acs.retry(*found)
    return _text(200)


def _delete_task(acs: ACS, _: Request, task_id: str) -> Response:
    found = acs.task(task_id)
    if found is None:
        return _text(404, "Task not found")
    acs.delete_task(*found)
    return _text(200)


# -- the table ------------------------------------------------------------------------------------

Handler = Callable[..., Response]
"""Of the ACS, the request, and the parts of the path that vary."""


class _Route(NamedTuple):
    """
    One row of ``_ROUTES``.

    Args:
        path: its parts; None where any name fits.
        methods: a handler for each.
    """

    path: tuple[str | None, ...]
    methods: dict[str, Handler]

    def names(self, parts: list[str]) -> list[str] | None:
        """The names in a path that has this form; None if it has not."""
        pairs = list(zip(self.path, parts, strict=False))
        if len(parts) != len(self.path) or any(
            wanted is not None and wanted != part for wanted, part in pairs
        ):
            return None
        return [part for wanted, part in pairs if wanted is None]


_ROUTES = (
    _Route(("devices", None, "tasks"), {"POST": _post_task}),
    _Route(("devices", None, "tags", None), {"POST": _add_tag, "DELETE": _delete_tag}),
    _Route(("devices", None), {"DELETE": _delete_device}),
    _Route(("tasks", None, "retry"), {"POST": _retry_task}),
    _Route(("tasks", None), {"DELETE": _delete_task}),
    _Route(("faults", None), {"DELETE": _delete_fault}),
    _Route(("files", None), {"PUT": _put_file, "DELETE": _delete_file}),
    _Route(("presets", None), {"PUT": _put_preset, "DELETE": _delete_preset}),
    _Route(("provisions", None), {"PUT": _put_provision, "DELETE": _delete_provision}),
    _Route((None,), {"GET": _find, "HEAD": _find}),
)
"""Every resource; the first that fits a path has it."""

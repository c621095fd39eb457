"""
Who may ask the web UI: every request to Locust's routes and to ours passes here first.

A browser sends requests in the name of its user to any server that any page names, and a page of
another site can make its own name stand for this machine (DNS rebinding). So a request must name
this server by a name that is its own, and must not come from a page of another site. Programs send
none of the headers that tell of pages, and may do all.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.datastructures import Headers

READING = ("GET", "HEAD")
"""Methods of routes that do nothing, neither Locust's nor ours."""
MAX_FORM_BYTES = 1024 * 1024
"""Of a request's body; Locust's form and our actions take some KiB."""


def guard(app: Flask, names: Iterable[str]) -> None:
    """
    Refuse requests of other sites, and such to names that are not this server's.

    Args:
        app: Locust's, with all routes.
        names: host names of this server, besides IP addresses and ``localhost``.
    """
    own = frozenset(name.lower() for name in names)

    def check() -> Response | None:
        headers = request.headers
        host = _host_name(headers.get("Host", ""))
        if not _is_own(host, own):
            cure = "if it is, start with --web-allow-host and this name"
            return refusal(f"{host!r} is no name of this web UI; {cure}", 403)
        if is_foreign(request.method, headers):
            return refusal("pages of other sites can't do that", 403)
        return None

    app.config["MAX_CONTENT_LENGTH"] = MAX_FORM_BYTES
    app.before_request(check)
    app.after_request(_unframed)


def machine_names() -> set[str]:
    """The names by which other machines know this one."""
    name = socket.gethostname()
    short = name.partition(".")[0]
    return {name, short, f"{short}.local"}


def is_foreign(method: str, headers: Headers) -> bool:
    """
    Whether a page of another site makes the browser send this request.

    Browsers tell Sec-Fetch-Site where they trust the connection; else Origin, with all but simple
    reads, or Referer. A link from elsewhere may lead here, as it only shows a page of ours.
    """
    reads = method in READING
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        shows_page = headers.get("Sec-Fetch-Dest") == "document"
        return site not in ("same-origin", "none") and not (reads and shows_page)
    origin = headers.get("Origin")
    if origin is None and not reads:
        origin = headers.get("Referer")
    return origin is not None and _netloc(origin) != headers.get("Host", "").lower()


def refusal(message: str, status: int = 400) -> Response:
    """An answer in the form of those of Locust's routes that act."""
    body = json.dumps({"success": False, "message": message})
    return Response(body, status, {"Cache-Control": "no-store"}, mimetype="application/json")


def _netloc(url: str) -> str | None:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return None


def _host_name(host: str) -> str:
    """The name or address in a Host header, without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return host


def _is_own(host: str, names: frozenset[str]) -> bool:
    """Whether this name can't have been given to this machine by another site."""
    if not host or host == "localhost" or host in names:  # without a name: no browser
        return True
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _unframed(response: Any) -> Any:
    """No page of another site may show ours within itself, and lead clicks to our buttons."""
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response

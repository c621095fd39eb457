"""
Which requests a browser sends for pages of other sites: servers of ours refuse them.

A browser sends requests in the name of its user to any server that any page names, and a page of
another site can make its own name stand for this machine (DNS rebinding). So a request must name
this server by a name that is its own, and must not come from a page of another site. Programs send
none of the headers that tell of pages, and may do all.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from werkzeug.datastructures import EnvironHeaders, Headers
from werkzeug.wrappers import Response

from caretaker.http.ip_addresses import same_host

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

READING = ("GET", "HEAD")
"""Methods of routes that do nothing."""


class BrowserGuard:
    """
    Tells which requests a server refuses.

    Args:
        names: host names of the server, besides IP addresses and ``localhost``.
        option: the option that adds another name, for the text of a refusal.
    """

    def __init__(self, names: Iterable[str], option: str) -> None:
        self._names = frozenset(name.lower() for name in names)
        self._option = option

    def complaint(self, method: str, headers: Headers) -> str | None:
        """Why this request is refused; None if it may be answered."""
        host = _host_name(headers.get("Host", ""))
        if not self._is_own(host):
            cure = f"if it is, start with {self._option} and this name"
            return f"{host!r} is no name of this server; {cure}"
        if is_foreign(method, headers):
            return "pages of other sites can't do that"
        return None

    def app(self, app: WSGIApplication) -> WSGIApplication:
        """The application, behind the guard: 403 with one line for what is refused."""

        def guarded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            complaint = self.complaint(environ["REQUEST_METHOD"], EnvironHeaders(environ))
            if complaint is None:
                return app(environ, start_response)
            response = Response(f"{complaint}\n", 403, mimetype="text/plain")
            return response(environ, start_response)

        return guarded

    def _is_own(self, host: str) -> bool:
        """Whether this name can't have been given to this machine by another site."""
        if not host or host == "localhost" or host in self._names:  # without a name: no browser
            return True
        try:
            ip_address(host)
        except ValueError:
            return False
        return True


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


def _netloc(url: str) -> str | None:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return None


def _host_name(host: str) -> str:
    """The name or address in a Host header, without its port."""
    try:
        return same_host(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return host

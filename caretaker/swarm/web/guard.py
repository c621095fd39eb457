"""Who may ask the web UI: every request to Locust's routes and to ours passes here first."""

from __future__ import annotations

import json
from typing import Any

from flask import Flask, Response, request

from caretaker.http.browser_guard import BrowserGuard

MAX_FORM_BYTES = 1024 * 1024
"""Of a request's body; Locust's form and our actions take some KiB."""


def guard(app: Flask, browser_guard: BrowserGuard) -> None:
    """
    Refuse what pages of other sites make a browser ask, and queries that no route can decode.

    Args:
        app: Locust's, with all routes.
        browser_guard: knows the names of the web UI.
    """

    def check() -> Response | None:
        complaint = browser_guard.complaint(request.method, request.headers)
        if complaint is not None:
            return refusal(complaint, 403)
        if not request.query_string.isascii():
            return refusal("query string: not ASCII; write other characters with percent signs")
        return None

    app.config["MAX_CONTENT_LENGTH"] = MAX_FORM_BYTES
    app.before_request(check)
    app.after_request(_unframed)


def refusal(message: str, status: int = 400) -> Response:
    """An answer in the form of those of Locust's routes that act."""
    body = json.dumps({"success": False, "message": message})
    return Response(body, status, {"Cache-Control": "no-store"}, mimetype="application/json")


def _unframed(response: Any) -> Any:
    """No page of another site may show ours within itself, and lead clicks to our buttons."""
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response

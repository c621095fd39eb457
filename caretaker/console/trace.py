"""
The messages of a CPE and its ACS for people: a line for each, or whole envelopes.

Secrets (``caretaker.masking``) and HTTP headers are never shown.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import datetime
from typing import Any

from lxml import etree

from caretaker.cwmp import messages as m
from caretaker.cwmp.codec import decode
from caretaker.cwmp.message_xml import element_name
from caretaker.cwmp.xml import hardened_parser
from caretaker.errors import EnvelopeError, TransportError
from caretaker.http.content_coding import decoded
from caretaker.http.response_parser import Response
from caretaker.http.transport import HTTPTransport
from caretaker.masking import MASK, is_secret, masked, masked_body

_MOST = 2000
"""Characters that are shown of a body that is not XML."""

# -- a message in a line --------------------------------------------------------------------------


def summary(body: bytes) -> str:
    """A body in one line: the name of its message, with the most important values."""
    if not body.strip():
        return "(empty)"
    try:
        envelope = decode(body)
    except EnvelopeError as error:
        return f"unreadable: {error} ({len(body)} bytes)"
    message = envelope.message
    facts = [*_facts(message), *(["HoldRequests"] if envelope.hold_requests else [])]
    name = getattr(message, "name", type(message).__name__)  # of an unknown method
    return f"{name}: {', '.join(facts)}" if facts else name


def _facts(message: m.Message) -> Iterator[str]:
    for field in fields(message):  # type: ignore[arg-type]  # all messages are dataclasses
        value = getattr(message, field.name)
        describe = _BY_NAME.get(field.name) or _BY_TYPE[type(value)]
        fact = describe(field.name, value)
        if fact:
            yield fact


def _text(name: str, value: str) -> str:
    if value in ("", m.UNKNOWN_TIME):
        return ""
    return f"{element_name(name)} {MASK if is_secret(name) else value}"


def _number(name: str, value: int) -> str:
    return f"{element_name(name)} {int(value)}"


def _list(name: str, values: tuple[Any, ...]) -> str:
    """The name of the only member, or the number of members."""
    first = values[0] if values else None
    first = first[0] if isinstance(first, tuple) else first
    if len(values) == 1 and isinstance(first, str) and first:
        return first
    return f"{len(values)} {_COUNTED.get(name, f'in {element_name(name)}')}"


_COUNTED = {
    "parameter_list": "parameters",
    "parameter_names": "names",
    "method_list": "methods",
}


def _events(_: str, events: tuple[m.EventStruct, ...]) -> str:
    return ", ".join(f"{code} ({key})" if key else code for code, key in events)


def _fault_struct(_: str, fault: m.FaultStruct) -> str:
    return f"{fault.fault_code} {fault.fault_string}" if fault.fault_code else "no fault"


def _faults(_: str, faults: tuple[m.SetParameterValuesFault, ...]) -> str:
    return ", ".join(f"{name} {code} {text}" for name, code, text in faults)


def _omitted(_: str, __: Any) -> str:
    return ""


_BY_TYPE: dict[type, Callable[[str, Any], str]] = {
    str: _text,
    int: _number,
    bool: _number,
    tuple: _list,
}
"""The function that describes a field, by the type of its value."""

_BY_NAME: dict[str, Callable[[str, Any], str]] = {
    "name": _omitted,
    "device_id": _omitted,
    "max_envelopes": _omitted,
    "current_time": _omitted,
    "faultcode": _omitted,
    "file_size": lambda name, size: _number(name, size) if size else "",
    "delay_seconds": lambda name, delay: _number(name, delay) if delay else "",
    "event": _events,
    "retry_count": lambda _, count: f"retry {count}" if count else "",
    "fault_code": lambda _, code: str(code),
    "fault_string": lambda _, text: text,
    "fault_struct": _fault_struct,
    "set_parameter_values_fault": _faults,
}
"""The function that describes a field, by its name; it comes before that of the type."""

# -- a whole envelope -----------------------------------------------------------------------------


def envelope_text(body: bytes) -> str:
    """
    A body as indented XML, without its secrets; empty if the body is empty.

    A broken body is shown as far as it can be read, without values that may be secret.
    """
    shown = masked_body(body.strip())
    try:
        root = etree.fromstring(shown, hardened_parser(recover=True, remove_blank_text=True))
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None:
        return shown.decode("utf-8", "replace")[:_MOST].replace("\r", "").strip()
    etree.indent(root)
    return etree.tostring(root, encoding="unicode")


# -- showing --------------------------------------------------------------------------------------

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


class Trace:
    """
    Shows messages and other events in lines with the time of day; any thread may call it.

    Args:
        write: takes text, in whole lines.
        whole: whether envelopes are shown too.
    """

    def __init__(self, write: Callable[[str], object], *, whole: bool = False) -> None:
        self._write = write
        self._whole = whole
        self._lock = threading.Lock()

    def show(self, text: str, body: bytes = b"") -> None:
        """Show one line with the time of day, and the body that it is about."""
        moment = datetime.now().astimezone().strftime("%H:%M:%S.%f")[:-3]
        self.print(f"{moment} {' '.join(text.split())}")
        if self._whole and body.strip():
            self.print(envelope_text(body))

    def print(self, text: str) -> None:
        """Show text as it is but for secrets and control characters; nothing if it is empty."""
        if not text:
            return
        harmless = _CONTROLS.sub("\ufffd", masked(text))  # a terminal would obey control characters
        with self._lock:
            self._write(f"{harmless}\n")

    def posted(self, body: bytes) -> None:
        """Show a message of the CPE."""
        self.show(f"> {summary(body)}", body)

    def answered(self, response: Response, seconds: float) -> None:
        """Show an answer of the ACS."""
        try:
            body = decoded(response.body, "".join(response.values("content-encoding")))
        except TransportError as error:
            self.show(f"< {response.status} {error} ({_ms(seconds)})")
            return
        self.show(f"< {response.status} {_answer(response, body)} ({_ms(seconds)})", body)

    def failed(self, reason: str, seconds: float) -> None:
        """Show why there is no answer."""
        self.show(f"! {reason} ({_ms(seconds)})")


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _answer(response: Response, body: bytes) -> str:
    """An answer in one line; that of an error may be plain text."""
    if response.status == 401:
        schemes = [value.partition(" ")[0] for value in response.values("www-authenticate")]
        return f"asks for {', '.join(schemes) or 'nothing we know'}"
    if response.values("location"):
        return f"to {response.values('location')[0]}"
    text = body.decode("utf-8", "replace")
    if response.status not in (200, 204) and text.strip() and "<" not in text:
        return text[:100]
    return summary(body)


class TracedTransport(HTTPTransport):
    """
    Shows each HTTP exchange of a session, including challenges and redirects.

    Args:
        trace: shows the exchanges.
        arguments, settings: those of ``HTTPTransport``.
    """

    def __init__(self, trace: Trace, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._trace = trace

    def _send(self, body: bytes) -> Response:
        self._trace.posted(decoded(body, self._coding))
        started = time.monotonic()
        try:
            response = super()._send(body)
        except TransportError as error:
            self._trace.failed(str(error), time.monotonic() - started)
            raise
        self._trace.answered(response, time.monotonic() - started)
        return response

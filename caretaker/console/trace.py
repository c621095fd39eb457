"""
What a CPE and its ACS say to each other, for people: a line for each message, or all of it.

Secrets are never shown (``caretaker.masking``), and headers not at all.
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
from caretaker.http.connection import Reply
from caretaker.http.content_coding import decoded
from caretaker.http.transport import HTTPTransport
from caretaker.masking import MASK, is_secret, masked, masked_body

_MOST = 2000
"""Characters that are shown of what is no XML."""

# -- a message in a line --------------------------------------------------------------------------


def summary(body: bytes) -> str:
    """What a body says, in a line: the message's name and its key facts."""
    if not body.strip():
        return "(empty)"
    try:
        envelope = decode(body)
    except EnvelopeError as error:
        return f"unreadable: {error} ({len(body)} bytes)"
    message = envelope.message
    facts = [*_facts(message), *(["HoldRequests"] if envelope.hold_requests else [])]
    name = getattr(message, "name", type(message).__name__)  # of a method we don't know
    return f"{name}: {', '.join(facts)}" if facts else name


def _facts(message: m.Message) -> Iterator[str]:
    for field in fields(message):  # type: ignore[arg-type]  # all messages are dataclasses
        value = getattr(message, field.name)
        tell = _TELLERS.get(field.name) or _BY_TYPE[type(value)]
        fact = tell(field.name, value)
        if fact:
            yield fact


def _text(name: str, value: str) -> str:
    if value in ("", m.UNKNOWN_TIME):
        return ""
    return f"{element_name(name)} {MASK if is_secret(name) else value}"


def _number(name: str, value: int) -> str:
    return f"{element_name(name)} {int(value)}"


def _list(name: str, values: tuple[Any, ...]) -> str:
    """The one thing in it by its name, or how many there are."""
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


def _untold(_: str, __: Any) -> str:
    return ""


_BY_TYPE: dict[type, Callable[[str, Any], str]] = {
    str: _text,
    int: _number,
    bool: _number,
    tuple: _list,
}
"""How a field is told, by its type."""

_TELLERS: dict[str, Callable[[str, Any], str]] = {
    "name": _untold,
    "device_id": _untold,
    "max_envelopes": _untold,
    "current_time": _untold,
    "faultcode": _untold,
    "file_size": lambda name, size: _number(name, size) if size else "",
    "delay_seconds": lambda name, delay: _number(name, delay) if delay else "",
    "event": _events,
    "retry_count": lambda _, count: f"retry {count}" if count else "",
    "fault_code": lambda _, code: str(code),
    "fault_string": lambda _, text: text,
    "fault_struct": _fault_struct,
    "set_parameter_values_fault": _faults,
}
"""How fields of these names are told, or not at all."""

# -- a whole envelope -----------------------------------------------------------------------------


def envelope_text(body: bytes) -> str:
    """
    A body as it is, in lines and without its secrets; empty if it is.

    What is broken is shown as far as it can be read, without values that may be secret.
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
    Shows what happens, each thing with the time of day; any thread may call.

    Args:
        write: takes text, whole lines of it.
        whole: whether envelopes are shown too.
    """

    def __init__(self, write: Callable[[str], object], *, whole: bool = False) -> None:
        self._write = write
        self._whole = whole
        self._lock = threading.Lock()

    def show(self, text: str, body: bytes = b"") -> None:
        """Show one line, and what it is about."""
        moment = datetime.now().astimezone().strftime("%H:%M:%S.%f")[:-3]
        self.tell(f"{moment} {' '.join(text.split())}")
        if self._whole and body.strip():
            self.tell(envelope_text(body))

    def tell(self, text: str) -> None:
        """Show text of our own or others' making, which may have several lines, or none."""
        if not text:
            return
        harmless = _CONTROLS.sub("\ufffd", masked(text))  # nothing that moves the cursor
        with self._lock:
            self._write(f"{harmless}\n")

    def posted(self, body: bytes) -> None:
        """The CPE sends this."""
        self.show(f"> {summary(body)}", body)

    def answered(self, reply: Reply, seconds: float) -> None:
        """The ACS answers this."""
        try:
            body = decoded(reply.body, "".join(reply.values("content-encoding")))
        except TransportError as error:
            self.show(f"< {reply.status} {error} ({_ms(seconds)})")
            return
        self.show(f"< {reply.status} {_answer(reply, body)} ({_ms(seconds)})", body)

    def failed(self, reason: str, seconds: float) -> None:
        """There is no answer."""
        self.show(f"! {reason} ({_ms(seconds)})")


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _answer(reply: Reply, body: bytes) -> str:
    """What an answer says; one that is an error may say it in plain text."""
    if reply.status == 401:
        schemes = [value.partition(" ")[0] for value in reply.values("www-authenticate")]
        return f"asks for {', '.join(schemes) or 'nothing we know'}"
    if reply.values("location"):
        return f"to {reply.values('location')[0]}"
    text = body.decode("utf-8", "replace")
    if reply.status not in (200, 204) and text.strip() and "<" not in text:
        return text[:100]
    return summary(body)


class TracedTransport(HTTPTransport):
    """
    Shows each HTTP exchange of a session, those with a challenge or redirect too.

    Args:
        trace: shows them.
        arguments, settings: as for ``HTTPTransport``.
    """

    def __init__(self, trace: Trace, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._trace = trace

    def _send(self, body: bytes) -> Reply:
        self._trace.posted(decoded(body, self._coding))
        started = time.monotonic()
        try:
            reply = super()._send(body)
        except TransportError as error:
            self._trace.failed(str(error), time.monotonic() - started)
            raise
        self._trace.answered(reply, time.monotonic() - started)
        return reply

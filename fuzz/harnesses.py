"""
The harnesses: what reads foreign bytes, and what must be true whatever these are.

A harness returns the outcome, of which the compiled twin must have the same. An error that is no
bug is part of the outcome; any other is a finding.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from lxml import etree
from werkzeug.test import Client

from caretaker import masking, quoting
from caretaker.acs import acs, devices, north_bound, sessions, task_rpcs
from caretaker.cwmp import codec, message_xml, session, shapes, xml
from caretaker.cwmp import messages as m
from caretaker.cwmp.envelope import Envelope
from caretaker.cwmp.outcome import Outcome
from caretaker.device import context, cpe, identity, settings
from caretaker.device.rpc import methods
from caretaker.errors import (
    AnswerError,
    AuthenticationError,
    EnvelopeError,
    InputError,
    ReasonError,
    SessionError,
)
from caretaker.http import authentication, connection, content_coding, cookies, request_parser
from caretaker.http.credentials import Credentials
from caretaker.profiles import (
    bbf_data_model,
    genieacs_csv,
    load_profile,
    profile,
    profile_toml,
    soap_dump,
)
from caretaker.reporting import service_levels, summary_file
from caretaker.scenarios import catalogue

MAX_BYTES = 8192
"""Of an input; what is special needs no more, and long ones are slow."""


@dataclass(frozen=True)
class Harness:
    """
    One harness.

    Args:
        check: reads the bytes, asserts what must be true, and returns what was read.
        modules: the parser's, of which the branch coverage is told.
        errors: what the parser may raise.
    """

    check: Callable[[bytes], object]
    modules: tuple[ModuleType, ...]
    errors: tuple[type[Exception], ...] = ()

    def run(self, data: bytes) -> str:
        """The outcome for these bytes; raises whatever is a bug."""
        try:
            return repr(self.check(data))
        except self.errors as error:
            return f"{type(error).__name__}: {error}"


# -- envelopes and sessions -----------------------------------------------------------------------

_SEPARATOR = b"\n----\n"
"""Between the bodies of a session's input."""


def _envelope(data: bytes) -> object:
    envelope = codec.decode_by_parser(data)
    codec.encode(envelope)
    return envelope


def _known_shape(data: bytes) -> object:
    """An envelope of a known shape is read as by the parser; with other texts, too."""
    known = shapes.Shapes(codec.decode_by_parser)
    outcomes = [_outcome(known.read, data) for _ in range(5)]
    for changed in (data, re.sub(rb"[a-m](?=[^<>]*</)", b"n", data), data.replace(b"1</", b"0</")):
        outcomes.append(_outcome(known.read, changed))
        assert outcomes[-1] == _outcome(codec.decode_by_parser, changed)
    return outcomes


def _outcome(read: Callable[[bytes], object], data: bytes) -> object:
    try:
        return read(data)
    except EnvelopeError as error:
        return str(error)


_PROFILE = load_profile("tr098")
_INFORMED = codec.encode(Envelope(m.InformResponse(), "1"))
_CONTEXT = context.FleetContext(
    identities=identity.Identities(7),
    acs_url="http://acs/",
    behaviors=settings.Behaviors(),
    reboot_seconds=(60.0, 60.0),
    wall_offset=1.75e9,
)


def _cpe_session(data: bytes) -> object:
    """A CPE takes any answers, and has a due time afterwards."""
    box = cpe.CPE(0, _PROFILE, _CONTEXT)
    box.power_on(0.0)
    running = box.begin_session(0.0)
    assert running is not None
    names, outcome = [], Outcome.SUCCEEDED
    try:
        for body in (_INFORMED, *data.split(_SEPARATOR)):
            if running.next_post() is None:
                break
            names.append(running.name)
            running.receive(body, 1.0)
        running.next_post()
    except (EnvelopeError, SessionError) as error:
        outcome = Outcome.FAILED
        names.append(str(error))
    assert box.end_session(outcome, 2.0) > 0
    return names, box.due


def _acs_session(data: bytes) -> object:
    """The embedded ACS answers whatever is posted, and never with a 500."""
    posted = Client(sessions.CWMPApp(acs.ACS()), use_cookies=True)
    statuses = []
    for body in data.split(_SEPARATOR):
        response = posted.post("/", data=body)
        statuses.append(response.status)
    assert not any(status.startswith("5") for status in statuses)
    return statuses


def _acs_with_a_device() -> acs.ACS:
    known = acs.ACS()
    about = m.DeviceIdStruct("Acme", "00AABB", "R-1", "S1")
    known.devices["D"] = devices.KnownDevice("D", about, 1.7e9)
    known.devices["D"].parameters.learn_values([m.ParameterValueStruct("Device.A.B", "c", "")], 1.0)
    return known


def _north_bound(data: bytes) -> object:
    """Any query and any task has an answer, which is not a 500."""
    api = Client(north_bound.NorthBoundApp(_acs_with_a_device()))
    found = api.get("/devices", query_string={"query": data.decode("latin-1")})
    posted = api.post("/devices/D/tasks", data=data)
    assert max(found.status_code, posted.status_code) < 500
    return found.status, posted.status


# -- HTTP -----------------------------------------------------------------------------------------

Read = tuple[int, list[tuple[str, str]], bytes, bool]


def _response(data: bytes, piece: int) -> Read | None:
    """The response as the parser reads it in pieces; None where it is not complete."""
    reader = connection._Reader()
    for start in range(0, len(data), piece):
        reader.feed(data[start : start + piece], MAX_BYTES)
    if not reader.complete:
        return None
    read = reader.response()
    return read.status, list(read.headers), read.body, read.keep_alive


def _http_response(data: bytes) -> object:
    """What is read without the parser is as the parser reads it."""
    plain = connection.plain_response(data)
    read = _response(data, len(data) or 1)
    if plain is not None:
        assert read == (plain.status, list(plain.headers), plain.body, plain.keep_alive)
    return read


def _requests(data: bytes, piece: int) -> list[Any]:
    reader = request_parser.RequestReader({})
    for start in range(0, len(data), piece):
        reader.feed(data[start : start + piece])
    told = [
        (
            request.refusal,
            request.environ.pop("wsgi.input").read() if not request.refusal else b"",
            sorted(request.environ.items()),
            request.keep_alive,
        )
        for request in reader.requests
    ]
    reader.close()
    return told


def _http_request(data: bytes) -> object:
    """How the bytes are split makes no difference."""
    read = _requests(data, len(data) or 1)
    assert read == _requests(data, 7)
    return read


_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f]")
_WHO = Credentials("user", "password")


def _authentication(data: bytes) -> object:
    """A challenge is answered with a header, in one line; any answer is judged."""
    values = data.decode("latin-1").splitlines()
    side = authentication.HTTPAuth(_WHO)
    side._cnonce = ""
    verifier = authentication.DigestVerifier("realm", lambda: 1.0, allow_basic=True)
    judged = [len(verifier.check(_WHO, "GET", "/", value)) for value in values]
    side.challenge(values)
    answer = side.authorization("POST", "/")
    assert answer is not None
    assert not _CONTROLS.search(answer)
    return judged, side._challenge


def _set_cookie(data: bytes) -> object:
    jar = cookies.CookieJar()
    for value in data.decode("latin-1").splitlines():
        jar.take(value)
    header = jar.header("/acs")
    assert not _CONTROLS.search(header)
    return header


_CODINGS = ("gzip", "deflate", "identity", "br")


def _content_coding(data: bytes) -> object:
    coding = _CODINGS[data[0] % len(_CODINGS)] if data else ""
    body = content_coding.decoded(data[1:], coding, MAX_BYTES)
    assert len(body) <= max(MAX_BYTES, len(data))
    return body


# -- what is shown and kept -----------------------------------------------------------------------


def _masked_body(data: bytes) -> object:
    """What parsed before parses as before, with the mask in place of each secret."""
    shown = masking.masked_body(data)
    before, after = _elements(data), _elements(shown)
    if before is None or shown == masking.UNREAD:
        return shown
    assert after is not None
    assert [element.tag for element in before] == [element.tag for element in after]
    for element in after:
        if len(element) == 0 and masking.is_secret(xml.local(element)):
            assert (element.text or "").strip() in ("", masking.MASK)
    return shown


def _elements(data: bytes) -> list[etree._Element] | None:
    """All elements of a document; None where it is none, or not in ASCII."""
    if not data.isascii() or b"<!" in data or b"encoding" in data:
        return None
    try:
        return list(etree.fromstring(data, xml.hardened_parser()).iter("*"))
    except (etree.XMLSyntaxError, ValueError):
        return None


def _quotation(data: bytes) -> object:
    quoted = quoting.quotation(data)
    assert len(quoted) <= quoting.MAX_QUOTE
    assert not _CONTROLS.search(quoted)
    return quoted, quoting.is_html(data)


# -- files of the user ----------------------------------------------------------------------------


def _dump(data: bytes) -> object:
    return soap_dump.is_dump(data), soap_dump.read_dump([("dump", data)], profile.KNOWN).rows


def _csv(data: bytes) -> object:
    export = genieacs_csv.read_export("export", data, profile.KNOWN)
    return genieacs_csv.write_export(export), profile.build("export", export).oui


def _data_model(data: bytes) -> object:
    export, entries = bbf_data_model.read_definitions("model", data).device()
    return export.rows, entries


def _profile_file(data: bytes) -> object:
    return profile_toml.read_profile_file("profile", data)


_FOLDER = Path(tempfile.mkdtemp(prefix="caretaker-fuzz-"))


def _summary(data: bytes) -> object:
    file = _FOLDER / "summary.json"
    file.write_bytes(data)
    try:
        return json.dumps(summary_file.read_summary(str(file)))
    except InputError as error:
        return str(error).replace(str(file), "")


def _service_level(data: bytes) -> object:
    level = service_levels.ServiceLevel.parse(data.decode("latin-1"))
    assert service_levels.ServiceLevel.parse(str(level)) == level
    return level


def _scenario(data: bytes) -> object:
    return [type(step.scenario).__name__ for step in catalogue.parse(data.decode("latin-1"))]


HARNESSES: dict[str, Harness] = {
    "envelope": Harness(_envelope, (codec, message_xml, xml), (EnvelopeError,)),
    "known_shape": Harness(_known_shape, (shapes,)),
    "cpe_session": Harness(_cpe_session, (session, cpe, methods)),
    "acs_session": Harness(_acs_session, (sessions, session)),
    "north_bound": Harness(_north_bound, (north_bound, devices, task_rpcs)),
    "http_response": Harness(_http_response, (connection,), (ReasonError,)),
    "http_request": Harness(_http_request, (request_parser,)),
    "authentication": Harness(_authentication, (authentication,), (AuthenticationError,)),
    "set_cookie": Harness(_set_cookie, (cookies,)),
    "content_coding": Harness(_content_coding, (content_coding,), (AnswerError,)),
    "masked_body": Harness(_masked_body, (masking,)),
    "quotation": Harness(_quotation, (quoting,)),
    "dump": Harness(_dump, (soap_dump,), (InputError,)),
    "csv": Harness(_csv, (genieacs_csv, profile), (InputError,)),
    "data_model": Harness(_data_model, (bbf_data_model,), (InputError,)),
    "profile_file": Harness(_profile_file, (profile_toml,), (InputError,)),
    "summary": Harness(_summary, (summary_file,)),
    "service_level": Harness(_service_level, (service_levels,), (InputError,)),
    "scenario": Harness(_scenario, (catalogue,), (InputError,)),
}
"""Every harness by its name, which is that of its folder in ``tests/corpus``."""

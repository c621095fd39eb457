"""A shard before a scripted server, with an I/O engine and without; what both have done."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import gevent

from caretaker.cwmp import CWMP_1_2, Envelope, encode
from caretaker.cwmp import messages as m
from caretaker.device.cpe import CPE
from caretaker.device.settings import Behaviors
from caretaker.engine.engine_use import EngineUse
from caretaker.engine.open_transport import OpenTransport, make_open_transport
from caretaker.engine.recorder import RecordingTransport
from caretaker.engine.shard import Shard
from caretaker.http.content_coding import decoded, encoded
from caretaker.http.endpoint import Address, Endpoint
from caretaker.http.transport import HTTPTransport
from caretaker.profiles import ProfileMix
from caretaker.stats.results import Results
from helpers import compiled_engine
from helpers.cpes import context, profile
from helpers.ends import at_end
from helpers.late_clock import LateClock
from helpers.shards import RecordKeeper
from helpers.wire import CLOSE, HANG, RESET, answer, wire

HOUR = 3600
QUIET = Behaviors(periodic_inform=False, dynamic_params=False)


class EngineBench:
    """
    A shard whose ACS is at a URL; greenlets run all sessions where there is no engine.

    Args:
        url: of the ACS.
        with_engine: whether an engine carries sessions.
        settings: ``profile``, ``quirks``, ``context``, ``max_sessions``, ``sources``,
            ``exceptions`` and ``off``; a ``recorder`` for a shard without an engine.
    """

    def __init__(self, url: str, *, with_engine: bool = True, **settings: Any) -> None:
        self.clock = LateClock()
        self.endpoint = Endpoint(
            Address.of(url),
            60.0,
            clock=self.clock,
            sources=settings.pop("sources", ()),
            allowed_hosts=settings.pop("allowed_hosts", frozenset()),
        )
        if settings.pop("looked_up", True):
            self.endpoint.addresses(self.endpoint.address)
        self.sink = RecordKeeper()
        opened: OpenTransport = make_open_transport(self.endpoint, HTTPTransport)
        if (recorder := settings.get("recorder")) is not None:
            opened = recorder.wrap(make_open_transport(self.endpoint, RecordingTransport))
        use = None
        if with_engine:
            use = EngineUse(
                compiled_engine.required(),
                self.endpoint,
                exceptions=settings.pop("exceptions", ()),
                off=settings.pop("off", ""),
            )
        device = profile(settings.pop("profile", "tr181"))
        kind = replace(device, quirks=frozenset(settings.pop("quirks", ())))
        about = {"acs_url": url, "behaviors": QUIET, **settings.pop("context", {})}
        self.shard = Shard(
            ProfileMix([(kind, 1.0)]),
            context(**about),
            opened,
            self.sink,
            engine=use,
            **settings,
        )
        at_end(self.shard.abandon)

    def boot(self, count: int = 1) -> None:
        """Power so many CPEs on, and wait until their first sessions are over."""
        for index in range(count):
            self.shard.power_on(index)
        self.shard.start()
        self.settle()

    def inform(self, event: str = "2 PERIODIC") -> None:
        """Have the first CPE inform, and wait until the session is over."""
        box = self.box
        box.raise_event(m.EventStruct(event), time.monotonic())
        self.shard.reschedule(box)
        self.settle()

    def period_ends(self, index: int = 0, *, rests: bool) -> None:
        """Have the period of a CPE end now, as a row where it can rest; a retry is due, too."""
        box, now = self.shard.cpes[index], time.monotonic()
        if box.session_due < now + HOUR:
            box.session_due = now
        box.periodic_due = now
        box.reschedule(now)
        del box
        if rests:
            self.shard.cpes._rest(index)
        self.shard.scheduler._due_times.add(index, now)
        self.shard.scheduler.launch_due()

    @property
    def box(self) -> CPE:
        """The first CPE."""
        return self.shard.cpes[0]

    def settle(self) -> None:
        """Wait until no session runs."""
        for _ in range(3):
            gevent.sleep(0)
        self.shard.scheduler.wait_for_sessions(120.0)
        self.clock.is_late = False

    def fall_silent(self, _: object = None) -> object:
        """What an ACS says that says nothing any more: the session's deadline passes."""
        self.clock.is_late = True
        return HANG

    def counted(self, kind: str) -> dict[str, int]:
        """The counters of the engine of a kind."""
        results = Results()
        self.shard.book(results)
        return results.with_prefix(f"engine.{kind}")

    @property
    def carried(self) -> int:
        """How many sessions were carried."""
        results = Results()
        self.shard.book(results)
        return results.counters["engine.carried"]


# -- what an ACS may do in a session --------------------------------------------------------------

Session = tuple[Any, ...]
"""The answers of a session, as ``Wire`` takes them."""


def said(message: m.Message, id_: str = "1", *headers: str, hold: bool = False) -> bytes:
    """An answer with a message."""
    return answer("200 OK", _envelope(message, id_, hold=hold), *headers)


def _envelope(message: m.Message, id_: str, *, hold: bool = False) -> bytes:
    return encode(Envelope(message, id_, CWMP_1_2, hold_requests=hold))


def _chunked(body: bytes) -> bytes:
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks


def _ended(answer: bytes) -> bytes:
    """An answer that says that the connection ends."""
    return _older(answer, "Connection: close").replace(b"HTTP/1.0", b"HTTP/1.1", 1)


def _older(answer: bytes, *headers: str) -> bytes:
    """An answer in HTTP/1.0, which ends the connection if nothing else is said."""
    line, _, rest = answer.replace(b"HTTP/1.1", b"HTTP/1.0", 1).partition(b"\r\n")
    return b"\r\n".join((line, *(header.encode() for header in headers), rest))


EMPTY = answer("204 No Content")
GOOD = said(m.InformResponse())
COOKIE = "Set-Cookie: session=a1; Path=/"
COOKIES = {
    " of a path": ("a=1; Path=/other", "b=2;path=/; HttpOnly", "c=3"),
    " for https": ("a=1; Path=/; Secure",),
    " that has expired": ("a=1; Path=/; Max-Age=0",),
    " that expires": ("a=1; Expires=Wed, 01 Jan 2020 00:00:00 GMT", "b=2"),
    " of another domain": ("a=1; Domain=elsewhere.example; Path=/", "b=2"),
    " of the domain": ("a=1; Domain=127.0.0.1; Path=/",),
    " twice": ("a=1; Path=/", "b==2==", "a=3; Path=/", "c="),
    " of many": tuple(f"a{number}={number}" for number in range(12)),
    " oddly written": ("a b = 1 2 ;", "=1", "c", "d= 4", "e=5;;"),
}
"""Cookies of an InformResponse."""
ASKED = said(m.GetParameterValues(("Device.DeviceInfo.SoftwareVersion",)), "acs1")
TREE = said(m.GetParameterValues(("Device.",)), "acs2")
SET = said(
    m.SetParameterValues(
        (m.ParameterValueStruct("Device.ManagementServer.ParameterKey", "k", "xsd:string"),), "key"
    ),
    "acs3",
)
ADD = said(m.AddObject("Device.ManagementServer.InformParameter.", "k"), "acs4")
KEY = "Device.ManagementServer.ParameterKey"
ONE = m.GetParameterValues((KEY, "Device.DeviceInfo.UpTime", "Device.DeviceInfo.SoftwareVersion"))
WATCH = said(
    m.SetParameterAttributes((m.SetParameterAttributesStruct(KEY, True, 2, False, ()),)), "acs5"
)


def _altered(old: str, new: str) -> bytes:
    """An answer with ``ONE``, another text in the place of one of its envelope."""
    body = _envelope(ONE, "acs1").decode()
    assert old in body
    return answer("200 OK", body.replace(old, new, 1).encode())


INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
BASIC = answer("401 Unauthorized", b"", 'WWW-Authenticate: Basic realm="acs"')


def challenge(*challenges: str, headers: Sequence[str] = ()) -> bytes:
    """A 401 with these challenges, and other headers before them."""
    named = (f"WWW-Authenticate: {challenge}" for challenge in challenges)
    return answer("401 Unauthorized", b"who?", *headers, *named)


DIGEST = challenge('Digest realm="acs", nonce="n1", qop="auth"')
STALE = challenge('Digest realm="acs", nonce="n2", qop="auth", stale=true')
_SHA_256 = 'Digest realm="acs", nonce="n0", qop="auth", algorithm=SHA-256'
CHALLENGES = {
    " without qop": ('Digest realm="acs", nonce="n1"',),
    " with MD5": ('Digest realm="acs", qop="auth", algorithm=MD5, nonce="n1"',),
    " with MD5-sess": ('Digest realm="acs", nonce="n1", algorithm=MD5-sess, qop="auth"',),
    " with opaque": ('Digest realm="acs", nonce="n1", opaque="o1=", qop="auth"',),
    " with an odd opaque": ('Digest realm="acs", nonce="n1", opaque="o, p=1", qop="auth"',),
    " of a realm": (r'Digest realm="the \"ACS\"", nonce="n1", qop="auth"',),
    " of no realm": ('Digest nonce="n1", qop="auth"',),
    " with SHA-256": (_SHA_256,),
    " with SHA-256 or MD5": (_SHA_256, 'Digest realm="acs", nonce="n1", qop="auth"'),
    " with auth-int": ('Digest realm="acs", nonce="n1", qop="auth-int"',),
    " with auth-int or auth": ('Digest realm="acs", nonce="n1", qop="auth-int,auth"',),
    " with userhash": ('Digest realm="acs", nonce="n1", qop="auth", userhash=true',),
    " that is stale": ('Digest realm="acs", nonce="n1", qop="auth", stale=true',),
    " or Basic": ('Digest realm="acs", nonce="n1", qop="auth"', 'Basic realm="acs"'),
    " or Basic in one header": ('Digest realm="acs", nonce="n1", Basic realm="acs"',),
    " or Basic before it": ('Basic realm="acs"', 'Digest realm="acs", nonce="n1", qop="auth"'),
    " without a nonce": ('Digest realm="acs", qop="auth"',),
    " with an empty nonce": ('Digest realm="acs", nonce="", qop="auth"',),
    " with a nonce without quotes": ("Digest realm=acs, nonce=n1, qop=auth",),
    " with an odd nonce": ('Digest realm="acs", nonce="n,1 =/+", qop="auth"',),
    " with a nonce of commas": ('Digest realm="acs", nonce="n, 1", qop="auth"',),
    " with two nonces": ('Digest realm="acs", nonce="n1", nonce=n2, qop="auth"',),
    " with a nonce in its realm": ('Digest realm="a nonce=", nonce="n1", qop="auth"',),
    " of GenieACS": ('Digest realm="GenieACS",qop="auth,auth-int",nonce="8045abee2d84e3e4"',),
    " of easycwmp": ('Digest realm="r@e",qop="auth",nonce="31d7",opaque="328458"',),
    " of pyacs": ('Digest realm="pyacs",nonce="98",opaque="6b",algorithm="MD5",qop="auth"',),
    " oddly spaced": ('Digest  realm="acs",nonce="n1",qop="auth"',),
    " in capitals": ('DIGEST REALM="acs", NONCE="n1", QOP="auth"',),
}
"""The challenges of a 401 that asks for Digest in some form."""

SESSIONS: dict[str, Session] = {
    "plain": (GOOD, EMPTY),
    "an empty 200": (GOOD, answer()),
    "pieces": ((GOOD[:20], GOOD[20:90], GOOD[90:]), (EMPTY[:9], EMPTY[9:])),
    "another InformResponse": (said(m.InformResponse(2)), EMPTY),
    "a cookie": (said(m.InformResponse(), "1", COOKIE), EMPTY),
    **{
        f"a cookie{kind}": (
            said(m.InformResponse(), "1", *(f"Set-Cookie: {c}" for c in cookies)),
            EMPTY,
        )
        for kind, cookies in COOKIES.items()
    },
    "a cookie at last": (GOOD, answer("204 No Content", b"", COOKIE)),
    "a request": (GOOD, ASKED, EMPTY),
    "a cookie and a request": (said(m.InformResponse(), "1", COOKIE), ASKED, EMPTY),
    "a cookie, then requests": (said(m.InformResponse(), "1", COOKIE), ASKED, TREE, SET, EMPTY),
    "a cookie, then another": (
        said(m.InformResponse(), "1", COOKIE),
        said(m.GetRPCMethods(), "5", "Set-Cookie: session=b2; Path=/"),
        EMPTY,
    ),
    "a cookie, then none": (
        said(m.InformResponse(), "1", COOKIE, "Set-Cookie: other=c3"),
        said(m.GetRPCMethods(), "5", "Set-Cookie: session=; Path=/; Max-Age=0"),
        EMPTY,
    ),
    "a cookie, then a challenge": (said(m.InformResponse(), "1", COOKIE), DIGEST, ASKED, EMPTY),
    "a cookie, then an error": (said(m.InformResponse(), "1", COOKIE), answer("500 Oops")),
    "a cookie, then chunks": (
        said(m.InformResponse(), "1", COOKIE),
        _chunked(_envelope(m.GetRPCMethods(), "5")),
        EMPTY,
    ),
    "a cookie, then a redirect": (
        said(m.InformResponse(), "1", COOKIE),
        answer("302 Found", b"", "Location: /other"),
        EMPTY,
    ),
    "a cookie, and an idle connection closed": (
        (said(m.InformResponse(), "1", COOKIE), CLOSE),
        EMPTY,
    ),
    "own values": (GOOD, said(ONE, "acs1"), EMPTY),
    "other IDs": (GOOD, *(said(ONE, id_) for id_ in ("1", "z" * 64, "z" * 65, "a_b:c/d")), EMPTY),
    "odd IDs": (GOOD, *(said(ONE, id_) for id_ in ("<&>", "a b", "ä", "1+1", "")), EMPTY),
    "no ID": (GOOD, answer("200 OK", encode(Envelope(ONE, None, CWMP_1_2))), EMPTY),
    "another namespace": (GOOD, _altered("cwmp-1-2", "cwmp-1-0"), EMPTY),
    "a namespace of nobody": (GOOD, _altered("urn:dslforum-org:cwmp-1-2", "urn:x"), EMPTY),
    "a header": (
        GOOD,
        _altered("</soap-env:Header>", '<X soap-env:mustUnderstand="1">acs1</X></soap-env:Header>'),
        EMPTY,
    ),
    "the ID of a header before": (
        GOOD,
        _altered("<soap-env:Header>", "<soap-env:Header><cwmp:X>acs1</cwmp:X>"),
        EMPTY,
    ),
    "a request that holds": (GOOD, said(ONE, "acs1", hold=True), EMPTY),
    "an unknown name": (GOOD, said(m.GetParameterValues(("Device.No",)), "acs1"), EMPTY),
    "a partial path": (GOOD, said(m.GetParameterValues(("Device.Time.",)), "acs1"), EMPTY),
    "a name twice": (GOOD, said(m.GetParameterValues((KEY, KEY)), "acs1"), EMPTY),
    "no names": (GOOD, said(m.GetParameterValues(()), "acs1"), EMPTY),
    "a cookie with a request": (GOOD, said(ONE, "acs1", COOKIE), said(ONE, "acs2"), EMPTY),
    "a coded request": (
        GOOD,
        answer("200 OK", encoded(_envelope(ONE, "acs1"), "gzip"), "Content-Encoding: gzip"),
        EMPTY,
    ),
    "a set value, then a request": (GOOD, SET, said(ONE, "acs1"), EMPTY),
    "a request, then a set value": (GOOD, said(ONE, "acs1"), SET, said(ONE, "acs2"), EMPTY),
    "a watched value": (GOOD, WATCH, said(ONE, "acs1"), EMPTY),
    "Digest, a cookie and a request": (
        DIGEST,
        said(m.InformResponse(), "1", COOKIE),
        said(ONE, "acs1"),
        EMPTY,
    ),
    "Digest and known requests": (
        DIGEST,
        GOOD,
        said(ONE, "acs1"),
        ASKED,
        SET,
        said(ONE, "2"),
        EMPTY,
    ),
    "Digest, a request, and a challenge": (DIGEST, GOOD, said(ONE, "acs1"), DIGEST, EMPTY),
    "Digest, a request, and an idle connection closed": (
        DIGEST,
        GOOD,
        (said(ONE, "acs1"), CLOSE),
        EMPTY,
    ),
    "a request, then a challenge": (GOOD, ASKED, DIGEST, EMPTY),
    "a request, then a cookie": (GOOD, ASKED, answer("204 No Content", b"", COOKIE)),
    "a request, then a fault": (GOOD, ASKED, said(m.Fault.of(8001))),
    "a request, then an InformResponse": (GOOD, ASKED, GOOD),
    "a request, then no more": (GOOD, ASKED, RESET),
    "a request, then busy": (GOOD, ASKED, answer("503 Busy")),
    "a request, then chunks": (GOOD, ASKED, _chunked(_envelope(ONE, "acs1")), EMPTY),
    "a request, and an idle connection closed": (GOOD, (ASKED, CLOSE), EMPTY),
    "a request, then a redirect": (GOOD, ASKED, answer("302 Found", b"", "Location: /b"), EMPTY),
    "many requests": (GOOD, ASKED, TREE, SET, ASKED, EMPTY),
    "a new row": (GOOD, ADD, EMPTY),
    "hold": (said(m.InformResponse(), hold=True), ASKED, EMPTY, EMPTY),
    "hold for nothing": (said(m.InformResponse(), hold=True), EMPTY, EMPTY),
    "Basic": (BASIC, GOOD, EMPTY),
    "Basic and requests": (BASIC, GOOD, ASKED, TREE, SET, EMPTY),
    "Basic and a cookie": (BASIC, said(m.InformResponse(), "1", COOKIE), ASKED, EMPTY),
    "Basic for each": (BASIC, GOOD, BASIC, ASKED, BASIC, EMPTY),
    "Basic, then refused": (BASIC, BASIC),
    "Basic, then Digest": (BASIC, DIGEST, GOOD, EMPTY),
    "Basic, then a cookie": (BASIC, said(m.InformResponse(), "1", COOKIE), EMPTY),
    "Basic, a cookie and requests": (
        BASIC,
        said(m.InformResponse(), "1", COOKIE),
        ASKED,
        said(ONE, "acs1"),
        EMPTY,
    ),
    "Basic, then refused later": (BASIC, GOOD, BASIC, BASIC),
    "Basic with a cookie": (
        answer("401 Unauthorized", b"", "WWW-Authenticate: Basic", COOKIE),
        GOOD,
        EMPTY,
    ),
    "Basic, and chunks": (BASIC, _chunked(_envelope(m.InformResponse(), "1")), EMPTY),
    "Basic, and an idle connection closed": ((BASIC, CLOSE), GOOD, EMPTY),
    "Digest": (DIGEST, GOOD, EMPTY),
    "Digest and a cookie": (DIGEST, said(m.InformResponse(), "1", COOKIE), ASKED, EMPTY),
    **{f"Digest{kind}": (challenge(*of), GOOD, EMPTY) for kind, of in CHALLENGES.items()},
    "Digest with a cookie": (challenge(_SHA_256[:-8], headers=(COOKIE,)), GOOD, EMPTY),
    "Digest with another nonce before": (
        challenge("Digest realm=acs, nonce=0", headers=('X-A: a, nonce="n0"',)),
        GOOD,
        EMPTY,
    ),
    "Digest, then a cookie": (DIGEST, said(m.InformResponse(), "1", COOKIE), EMPTY),
    "Digest, then a cookie that expires": (
        DIGEST,
        said(m.InformResponse(), "1", "Set-Cookie: a=1; Expires=Wed, 01 Jan 2020 00:00:00 GMT"),
        EMPTY,
    ),
    "Digest, then a cookie and a challenge": (
        DIGEST,
        said(m.InformResponse(), "1", COOKIE),
        STALE,
        EMPTY,
    ),
    "Digest, then a cookie and chunks": (
        DIGEST,
        said(m.InformResponse(), "1", COOKIE),
        _chunked(_envelope(m.GetRPCMethods(), "5")),
        EMPTY,
    ),
    "Digest, and another nonce next": (
        DIGEST,
        said(m.InformResponse(), "1", 'Authentication-Info: nextnonce="n2", qop=auth'),
        EMPTY,
    ),
    "Digest, stale": (DIGEST, STALE, GOOD, EMPTY),
    "Digest, stale later": (DIGEST, GOOD, STALE, EMPTY),
    "Digest, then refused": (DIGEST, DIGEST),
    "Digest, then a 401 alone": (DIGEST, answer("401 Unauthorized")),
    "Digest, then refused later": (DIGEST, GOOD, DIGEST, DIGEST),
    "Digest, then Basic": (DIGEST, BASIC, GOOD, EMPTY),
    "Digest and a request": (DIGEST, GOOD, ASKED, EMPTY),
    "Digest and requests": (DIGEST, GOOD, ASKED, STALE, TREE, EMPTY),
    "Digest and hold": (DIGEST, said(m.InformResponse(), hold=True), ASKED, EMPTY, EMPTY),
    "Digest and another InformResponse": (DIGEST, said(m.InformResponse(2)), EMPTY),
    "Digest, then a fault, once more": (
        DIGEST,
        said(m.Fault.of(8005)),
        said(m.InformResponse(), "2"),
        EMPTY,
    ),
    "Digest, then nothing": (DIGEST, EMPTY),
    "Digest, then busy": (DIGEST, answer("503 Busy")),
    "Digest, then an error": (DIGEST, GOOD, answer("500 Oops")),
    "Digest, then no answer": (DIGEST, CLOSE, GOOD, EMPTY),
    "Digest, then a reset": (DIGEST, RESET, GOOD, EMPTY),
    "Digest, then half an answer": (DIGEST, (GOOD[:80], CLOSE)),
    "Digest in pieces": ((DIGEST[:50], DIGEST[50:]), (GOOD[:70], GOOD[70:]), EMPTY),
    "Digest for each": (DIGEST, GOOD, DIGEST, EMPTY),
    "Digest again and again": (DIGEST,) * 4,
    "a challenge that is none": (answer("401 Unauthorized"),),
    "a fault": (said(m.Fault.of(8001)),),
    "a fault, once more": (said(m.Fault.of(8005)), said(m.InformResponse(), "2"), EMPTY),
    "the cwmp:ID of a repeated Inform": (said(m.InformResponse(), "2"),),
    "busy": (answer("503 Busy"),),
    "an error": (answer("500 Oops", b"<html>oops</html>"),),
    "an error later": (GOOD, answer("404 Not Found")),
    "another cwmp:ID": (said(m.InformResponse(), "7"),),
    "a wrong answer": (said(m.GetRPCMethodsResponse(()), "1"),),
    "an InformResponse too many": (GOOD, GOOD),
    "nothing": (EMPTY,),
    "no XML": (answer("200 OK", b"<html>"),),
    "a request too early": (ASKED,),
    "a redirect": (answer("302 Found", b"", "Location: /other"), GOOD, EMPTY),
    "a redirect elsewhere": (answer("302 Found", b"", "Location: http://elsewhere.example/"),),
    "chunks": (_chunked(_envelope(m.InformResponse(), "1")), EMPTY),
    "chunks of a request": (GOOD, _chunked(_envelope(m.GetRPCMethods(), "5")), EMPTY),
    "Digest, and chunks": (DIGEST, _chunked(_envelope(m.InformResponse(), "1")), ASKED, EMPTY),
    "Digest, and a redirect": (DIGEST, answer("302 Found", b"", "Location: /b"), GOOD, EMPTY),
    "an interim answer": (INTERIM + GOOD, EMPTY),
    "an interim answer apart": ((INTERIM, GOOD), (INTERIM, EMPTY)),
    "the end of the connection": (said(m.InformResponse(), "1", "Connection: close"), EMPTY),
    "the end with a challenge": ((_ended(DIGEST), CLOSE), GOOD, EMPTY),
    "the end with each challenge": ((_ended(DIGEST), CLOSE),) * 4,
    "the end with an empty challenge": ((_ended(BASIC), CLOSE), GOOD, ASKED, EMPTY),
    "the end while on hold": (
        said(m.InformResponse(), hold=True),
        (_ended(EMPTY), CLOSE),
        ASKED,
        EMPTY,
    ),
    "the end while on hold, said alone": (
        said(m.InformResponse(), hold=True),
        _ended(EMPTY),
        ASKED,
        EMPTY,
    ),
    "the end with nothing": (_ended(EMPTY),),
    "the end after each answer": tuple((_ended(each), CLOSE) for each in (GOOD, ASKED, EMPTY)),
    "the end said alone": (_ended(GOOD), _ended(ASKED), _ended(EMPTY)),
    "HTTP 1.0": tuple((_older(each), CLOSE) for each in (GOOD, ASKED, EMPTY)),
    "HTTP 1.0 that keeps alive": tuple(
        _older(each, "Connection: keep-alive") for each in (GOOD, ASKED, EMPTY)
    ),
    "HTTP 1.0 without lengths": tuple(
        (_older(each).replace(b"Content-Length", b"X-Length"), CLOSE)
        for each in (GOOD, ASKED, EMPTY)
    ),
    "Digest over HTTP 1.0": tuple(
        (_older(each), CLOSE) for each in (DIGEST, GOOD, DIGEST, ASKED, DIGEST, EMPTY)
    ),
    "no HTTP": ((b"SSH-2.0-OpenSSH_9.2\r\n", CLOSE),),
    "no answer": (CLOSE,),
    "a reset": (RESET,),
    "half an answer": ((GOOD[:80], CLOSE),),
    "half an empty answer": (GOOD, (EMPTY[:10], CLOSE)),
    "a lost connection, not empty": (GOOD, ASKED, (GOOD[:30], RESET)),
    "an idle connection closed": ((GOOD, CLOSE), EMPTY),
    "Digest, and an idle connection closed": (DIGEST, (GOOD, CLOSE), EMPTY),
    "Digest, and a connection closed before": ((DIGEST, CLOSE), GOOD, EMPTY),
    "bytes after the answer": (GOOD + b"x", EMPTY),
    "a large answer": (answer("200 OK", b"<a>" + b"x" * 100_000 + b"</a>"),),
}
STAGES: dict[str, Session] = {
    "Inform": (),
    "(empty)": (GOOD,),
    "a cookie": SESSIONS["a cookie"][:1],
    "Digest": (DIGEST,),
    "Digest, (empty)": (DIGEST, GOOD),
    "Digest and a cookie": SESSIONS["Digest, then a cookie"][:2],
    "answer": (GOOD, SESSIONS["a request"][1]),
}
"""The answers that a session has had in each of its exchanges."""
"""What an ACS may do in a session, good and bad."""

_PASSING = re.compile(
    rb"<(?:Current|Start|Complete)Time>[^<]*</|127.0.0.1:[0-9]+|cnonce=\"[^\"]*\"|response=\"[^\"]*\""
)
"""What differs from run to run: times, ports, and what Digest makes of chance."""
Story = dict[str, Any]


def story(names: Sequence[str], *, with_engine: bool) -> Story:
    """What comes of a first session and of others with these names, and how it was on the wire."""
    answers = [each for name in ("plain", *names) for each in SESSIONS[name]]
    with wire(*answers) as server:
        bench = EngineBench(server.url, with_engine=with_engine)
        bench.boot()
        for _ in names:
            bench.inform()
        result = told(bench, server)
        bench.shard.stop()
    return result


class Server(Protocol):
    """What has kept the requests that it heard."""

    requests: list[tuple[int, str, dict[str, str], bytes]]
    """Number of the connection, request line, headers, body."""

    @property
    def answers(self) -> Sequence[Any]:
        """Those that are left."""


def told(bench: EngineBench, server: Server) -> Story:
    """What has come of the sessions of a shard, how they were on the wire, and the first CPE."""
    box = bench.box
    return {
        **told_of_sessions(bench, server),
        "state": (box.events, box.session_events, box.requests, box.failures, box.in_session),
        "values": box.overlay.values if box.overlay is not None else {},
    }


def told_of_sessions(bench: EngineBench, server: Server) -> Story:
    """What has come of the sessions of a shard, and how they were on the wire."""
    books, results = bench.shard.context.books, Results()
    bench.shard.book(results)
    return {
        "requests": [_masked(request) for request in server.requests],
        "answers left": len(server.answers),
        "sessions": [_session(record) for record in bench.sink.sessions],
        "exchanges": [
            (record.name, record.sent, record.received, record.reason)
            for record in bench.sink.exchanges
        ],
        "books": (books.raised, books.delivered, books.discarded),
        "results": {
            name: number
            for name, number in results.counters.items()
            if not name.startswith("engine.")
        },
    }


def _masked(request: tuple[int, str, dict[str, str], bytes]) -> Any:
    number, line, headers, coded = request
    body = decoded(coded, headers.get("content-encoding", ""))
    if body != coded:  # how many bytes a coding takes differs with the times in them, too
        headers = {**headers, "content-length": str(len(body))}
    headers = {name: _PASSING.sub(b"", value.encode()).decode() for name, value in headers.items()}
    headers.pop("host")
    return number, line, headers, _PASSING.sub(b"", body)


def _session(record: Any) -> Any:
    times = (record.accepted, record.inform_sent, record.informed)
    return (
        record.events, record.outcome, record.reason, record.blame, record.way,
        *(at is not None for at in times),
    )  # fmt: skip

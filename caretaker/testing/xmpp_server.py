"""
A small XMPP server for tests and benchmarks: accounts, SCRAM-SHA-1, PLAIN, and iq between clients.

``ServerStream`` is one stream without I/O. ``XMPPServer`` serves many over asyncio, in a thread of
its own or in the present loop.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from caretaker.errors import StreamError
from caretaker.xmpp.namespaces import BIND, CLIENT, IQ_TAG, SASL, STANZAS, STREAMS, TLS
from caretaker.xmpp.stream_parser import StreamParser

_AUTH, _RESPONSE, _STARTTLS = f"{{{SASL}}}auth", f"{{{SASL}}}response", f"{{{TLS}}}starttls"


@dataclass
class ServerSettings:
    """
    What the server has and does.

    Args:
        password_of: the password of a username; None: no such account.
        domain: that it serves.
        mechanisms: of SASL that it offers.
        iterations: of SCRAM.
        tls: its certificate; None: it offers no TLS.
        features: more that it offers, as XML.
        auth_failure: a condition with which it refuses all logins; empty: it does not.
        loses_iqs: whether it loses what clients send to each other.
    """

    password_of: Callable[[str], str | None]
    domain: str = "example.org"
    mechanisms: tuple[str, ...] = ("SCRAM-SHA-1", "PLAIN")
    iterations: int = 4096
    tls: ssl.SSLContext | None = None
    features: str = ""
    auth_failure: str = ""
    loses_iqs: bool = False
    logins: list[str] = field(default_factory=list)
    """The usernames of all logins that were tried."""


class ServerStream:
    """
    One stream of the server.

    Args:
        settings: of the server.
        route: takes an iq that is for another client, with its address.
        bound: is told the address of a client.
    """

    def __init__(
        self,
        settings: ServerSettings,
        route: Callable[[str, bytes], bool],
        bound: Callable[[ServerStream], None],
    ) -> None:
        self.jid = ""
        self.is_over = False
        self.wants_tls = False
        self.out = b""
        self._settings = settings
        self._route = route
        self._bound = bound
        self._parser = StreamParser()
        self._is_secure = False
        self._username = ""
        self._is_authenticated = False
        self._scram = b""
        self._signature = b""

    def receive(self, data: bytes) -> None:
        """Take bytes of the client; ``out`` then has what is to be sent."""
        parser = self._parser
        greeted = parser.header is not None
        try:
            for stanza in parser.feed(data):
                greeted = self._greet(greeted=greeted)
                self._take(stanza)
                if parser is not self._parser:
                    return
        except StreamError as error:
            self.end(error.condition)
            return
        if parser.header is not None:
            self._greet(greeted=greeted)
        self.is_over = self.is_over or parser.is_over

    def secured(self) -> None:
        """TLS is up."""
        self._is_secure, self.wants_tls = True, False

    def send(self, text: str) -> None:
        """Have text sent."""
        self.out += text.encode()

    def end(self, condition: str) -> None:
        """End the stream with a stream error."""
        self.send(
            f"<stream:error><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
            "</stream:error></stream:stream>"
        )
        self.is_over = True

    def _greet(self, *, greeted: bool) -> bool:
        if not greeted:
            self.send(
                f"<?xml version='1.0'?><stream:stream id='1' from='{self._settings.domain}' "
                f"version='1.0' xmlns='{CLIENT}' xmlns:stream='{STREAMS}'>"
                f"<stream:features>{self._features()}</stream:features>"
            )
        return True

    def _features(self) -> str:
        if self._is_authenticated:
            return f"<bind xmlns='{BIND}'/>{self._settings.features}"
        if self._settings.tls is not None and not self._is_secure:
            return f"<starttls xmlns='{TLS}'><required/></starttls>"
        names = "".join(f"<mechanism>{name}</mechanism>" for name in self._settings.mechanisms)
        return f"<mechanisms xmlns='{SASL}'>{names}</mechanisms>{self._settings.features}"

    def _take(self, stanza: etree._Element) -> None:
        handlers: dict[str, Callable[[etree._Element], None]] = {
            _STARTTLS: self._starttls,
            _AUTH: self._auth,
            _RESPONSE: self._response,
            IQ_TAG: self._iq,
        }
        handler = handlers.get(str(stanza.tag))
        if handler is not None:
            handler(stanza)

    def _starttls(self, _: etree._Element) -> None:
        self.send(f"<proceed xmlns='{TLS}'/>")
        self._parser = StreamParser()
        self.wants_tls = True

    def _auth(self, stanza: etree._Element) -> None:
        message = base64.b64decode(stanza.text or "").decode()
        if stanza.get("mechanism") == "PLAIN":
            _, self._username, password = message.split("\0")
            self._finish(is_right=password == self._password(), proof=b"")
            return
        bare = message[3:]
        name, nonce = (part[2:] for part in bare.split(","))
        self._username = name.replace("=2C", ",").replace("=3D", "=")
        salt = base64.b64encode(self._salt()).decode()
        first = f"r={nonce}server,s={salt},i={self._settings.iterations}"
        self._scram = f"{bare},{first}".encode()
        self.send(
            f"<challenge xmlns='{SASL}'>{base64.b64encode(first.encode()).decode()}</challenge>"
        )

    def _response(self, stanza: etree._Element) -> None:
        final, _, proof = base64.b64decode(stanza.text or "").rpartition(b",p=")
        password = (self._password() or "").encode()
        salted = _salted(password, self._salt(), self._settings.iterations)
        signed = self._scram + b"," + final
        client = hmac.digest(salted, b"Client Key", "sha1")
        stored = hashlib.sha1(client, usedforsecurity=False).digest()
        signature = hmac.digest(stored, signed, "sha1")
        expected = bytes(a ^ b for a, b in zip(client, signature, strict=True))
        server = hmac.digest(hmac.digest(salted, b"Server Key", "sha1"), signed, "sha1")
        is_right = base64.b64decode(proof) == expected and self._password() is not None
        self._finish(is_right=is_right, proof=b"v=" + base64.b64encode(server))

    def _salt(self) -> bytes:
        return hashlib.sha1(self._username.encode(), usedforsecurity=False).digest()

    def _password(self) -> str | None:
        return self._settings.password_of(self._username)

    def _finish(self, *, is_right: bool, proof: bytes) -> None:
        self._settings.logins.append(self._username)
        failure = self._settings.auth_failure or ("" if is_right else "not-authorized")
        if failure:
            self.send(f"<failure xmlns='{SASL}'><{failure}/></failure>")
            return
        self._is_authenticated = True
        self._parser = StreamParser()
        self.send(f"<success xmlns='{SASL}'>{base64.b64encode(proof).decode()}</success>")

    def _iq(self, stanza: etree._Element) -> None:
        bind = stanza.find(f"{{{BIND}}}bind")
        if bind is not None:
            resource = bind.findtext(f"{{{BIND}}}resource") or "made-up"
            self.jid = f"{self._username}@{self._settings.domain}/{resource}"
            jid = escape(self.jid)
            self.send(
                f"<iq type='result' id={quoteattr(stanza.get('id', ''))}>"
                f"<bind xmlns='{BIND}'><jid>{jid}</jid></bind></iq>"
            )
            self._bound(self)
            return
        stanza.set("from", self.jid)
        if not self._route(stanza.get("to", ""), etree.tostring(stanza, with_tail=False)):
            self._refuse(stanza)

    def _refuse(self, stanza: etree._Element) -> None:
        if stanza.get("type") in ("get", "set"):
            self.send(
                f"<iq type='error' id={quoteattr(stanza.get('id', ''))}>"
                f"<error type='cancel'><service-unavailable xmlns='{STANZAS}'/></error></iq>"
            )


_SALTED: dict[tuple[bytes, bytes, int], bytes] = {}


def _salted(password: bytes, salt: bytes, iterations: int) -> bytes:
    name = password, salt, iterations
    if name not in _SALTED:
        _SALTED[name] = hashlib.pbkdf2_hmac("sha1", *name)
    return _SALTED[name]


class XMPPServer:
    """
    Serves streams over TCP.

    Args:
        settings: of the server.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.port = 0
        self._writers: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.clients: dict[str, tuple[ServerStream, asyncio.StreamWriter]] = {}
        """The clients that have bound an address, by it."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event

    async def start(self, port: int = 0) -> asyncio.Server:
        """Listen on loopback."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", port, backlog=1000)
        self.port = server.sockets[0].getsockname()[1]
        return server

    @contextmanager
    def running(self) -> Iterator[XMPPServer]:
        """
        Serve in a thread.

        Raises:
            OSError: it can't listen.
        """
        ready: Future[None] = Future()
        thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        thread.start()
        try:
            ready.result()
        except BaseException:
            thread.join()
            raise
        try:
            yield self
        finally:
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._ending.set)
            thread.join()

    def _run(self, ready: Future[None]) -> None:
        async def serve() -> None:
            self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
            try:
                server = await self.start()
            except BaseException as error:  # noqa: BLE001  # raised again in the caller
                ready.set_exception(error)
                return
            ready.set_result(None)
            await self._ending.wait()
            await self._end(server)

        asyncio.run(serve())

    async def _end(self, server: asyncio.Server) -> None:
        # What was accepted has a writer some turns later; before, asyncio can't close its server.
        for listening in server.sockets:
            asyncio.get_running_loop().remove_reader(listening)
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task, writer in self._writers.items():
                task.cancel()
                writer.transport.abort()  # a task that has not begun closes nothing
            await asyncio.wait(others)
        server.close()

    def call(self, act: Callable[[], None]) -> None:
        """Do something in the thread of the server, and wait until it is done."""
        assert self._loop is not None
        done = threading.Event()

        def run() -> None:
            act()
            done.set()

        self._loop.call_soon_threadsafe(run)
        done.wait()

    def send(self, jid: str, text: str) -> None:
        """Send text to a client; from the thread of the server (``call``)."""
        _, writer = self.clients[jid]
        writer.write(text.encode())

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._writers[task] = writer
        task.add_done_callback(self._writers.pop)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream = ServerStream(self.settings, self._route, lambda own: self._bound(own, writer))
        try:
            await self._converse(stream, reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # the client is gone, or the test is over
        finally:
            if self.clients.get(stream.jid, (None,))[0] is stream:
                del self.clients[stream.jid]
            writer.transport.abort()

    async def _converse(
        self, stream: ServerStream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while not stream.is_over:
            data = await reader.read(65536)
            if not data:
                return
            stream.receive(data)
            writer.write(stream.out)
            stream.out = b""
            await writer.drain()
            if stream.wants_tls and self.settings.tls is not None:
                await writer.start_tls(self.settings.tls)
                stream.secured()
        writer.close()
        await writer.wait_closed()

    def _bound(self, stream: ServerStream, writer: asyncio.StreamWriter) -> None:
        old = self.clients.get(stream.jid)
        self.clients[stream.jid] = stream, writer
        if old is not None:
            old[0].end("conflict")
            old[1].write(old[0].out)
            old[1].close()

    def _route(self, to: str, stanza: bytes) -> bool:
        if self.settings.loses_iqs:
            return True
        client = self.clients.get(to)
        if client is None:
            return False
        client[1].write(stanza)
        return True

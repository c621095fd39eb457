"""
What TLS connections use: trusted certificates, versions, ciphers, SNI, and a client's certificate.

``TLSSettings`` are those of a fleet, ``DeviceTLS`` is how one kind of device differs from them, and
``TLSClient`` is one client's side of a connection.
"""

from __future__ import annotations

import ssl
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import gevent.socket
import gevent.ssl

from caretaker.errors import InputError
from caretaker.http.certificates import host_error, key_kind, told, validity_error

_T = TypeVar("_T")
OLDEST = ssl.TLSVersion.TLSv1_2
"""The oldest version that a connection speaks, unless a device knows only older ones."""
NO_CHECK_TIME = 0x200000
"""``X509_V_FLAG_NO_CHECK_TIME`` of OpenSSL, which Python's ``VerifyFlags`` lacks."""


class DeviceTLS(NamedTuple):
    """
    How a kind of device speaks TLS, where it differs from the settings of its fleet.

    Args:
        sni: whether the client names the host in its first message (RFC 6066).
        minimum, maximum: the versions that it speaks; None for those of the settings.
        ciphers: in OpenSSL's form; those of the settings if empty.
        clock_offset: seconds by which its clock is wrong, and so its view of a certificate's dates.
    """

    sni: bool = True
    minimum: ssl.TLSVersion | None = None
    maximum: ssl.TLSVersion | None = None
    ciphers: str = ""
    clock_offset: float = 0.0


USUAL = DeviceTLS()
"""A device without peculiarities."""


class Identity(NamedTuple):
    """
    The certificate that a client shows; ``repr`` leaves the password out.

    Args:
        certificate: PEM file of the client's certificate, with those of the CAs between.
        key: PEM file of its private key.
        password: of the private key; empty for none.
    """

    certificate: str
    key: str
    password: str = ""

    def __repr__(self) -> str:
        """The names of the files."""
        return f"Identity({self.certificate!r}, {self.key!r})"

    def load_into(self, context: ssl.SSLContext) -> None:
        """
        Have a context show this certificate.

        Raises:
            InputError: a file can't be read, or the two do not fit.
        """
        with self._explaining():
            # A password is always given, as OpenSSL would else ask at the terminal.
            context.load_cert_chain(self.certificate, self.key, self.password)

    def decoded(self, decode: Callable[[bytes, bytes, str], _T]) -> _T:
        """
        What a function makes of certificate, key and password.

        Raises:
            InputError: a file can't be read, or the two do not fit.
        """
        with self._explaining():
            files = Path(self.certificate).read_bytes(), Path(self.key).read_bytes()
            return decode(*files, self.password)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            raise InputError(f"{self._files}: {_why_not_loaded(error, self.key)}") from error

    @property
    def _files(self) -> str:
        same = self.certificate == self.key
        return self.certificate if same else f"{self.certificate}, {self.key}"


def _why_not_loaded(error: Exception, key: str) -> str:
    reason = getattr(error, "reason", None) or ""
    if "MISMATCH" in reason:
        return "the key is not that of the certificate"
    if not isinstance(error, ssl.SSLError) and isinstance(error, OSError):
        return error.strerror or "not readable"
    if b"ENCRYPTED" in Path(key).read_bytes():  # OpenSSL does not say so
        return "the password of the key is wrong, or missing"
    return "not a certificate and its key, in PEM"


def no_identity(_: int) -> Identity | None:
    """No client has a certificate."""
    return None


@dataclass(frozen=True)
class TLSSettings:
    """
    What the TLS connections of a fleet use; contexts are made when they are needed.

    Args:
        ca: PEM file of the certificates to trust; those of the system if None.
        verify: whether the server's certificate is checked.
        minimum, maximum: the versions that clients speak.
        ciphers: of TLS 1.2 and older, in OpenSSL's form; OpenSSL's own if empty.
        identity: the certificate of the CPE with an index, None if it has none.
        resume: whether a session resumes an earlier one of the same CPE (RFC 8446 2.2).
    """

    ca: str | None = None
    verify: bool = True
    minimum: ssl.TLSVersion = OLDEST
    maximum: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED
    ciphers: str = ""
    identity: Callable[[int], Identity | None] = no_identity
    resume: bool = True
    _contexts: dict[tuple[DeviceTLS, str], gevent.ssl.SSLContext] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """By the device and the kind of the client's key; a few, as there are few of both."""
    _shown: dict[tuple[DeviceTLS, str], Identity] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """Which certificate each context shows now."""

    def context(
        self, device: DeviceTLS = USUAL, identity: Identity | None = None
    ) -> gevent.ssl.SSLContext:
        """
        The context of a kind of device, to be used at once, as the next call may change it.

        All certificates of one kind share a context, which shows one after the other. A context for
        each CPE would cost 30 kB and 2 ms.

        Raises:
            InputError: a file can't be read, or what is in it can't be used.
        """
        # A context can show certificates of two kinds at the same time.
        kind = device, key_kind(identity.certificate) if identity else ""
        context = self._contexts.get(kind)
        if context is None:
            context = self._contexts[kind] = self.new_context(device)
        if identity and self._shown.get(kind) != identity:
            self._shown.pop(kind, None)
            identity.load_into(context)
            self._shown[kind] = identity
        return context

    def new_context(
        self, device: DeviceTLS = USUAL, *, check_host: bool = True
    ) -> gevent.ssl.SSLContext:
        """
        A context of its own, without a client's certificate.

        Args:
            device: that it is for.
            check_host: whether the server's certificate must be that of the host.

        Raises:
            InputError: the CA's file can't be read or has no certificates, or no such cipher.
        """
        context = gevent.ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # OpenSSL compares a host name only with SNI; ``TLSClient.check`` does so without.
        context.check_hostname = self.verify and check_host and device.sni
        context.verify_mode = ssl.CERT_REQUIRED if self.verify else ssl.CERT_NONE
        if self.verify:
            self._trust(context)
        if device.clock_offset:
            context.verify_flags |= NO_CHECK_TIME  # ``TLSClient.check`` compares the dates
        _set_ciphers(context, device.ciphers or self.ciphers)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # devices that speak old versions
            context.minimum_version = device.minimum or self.minimum
            context.maximum_version = device.maximum or self.maximum
        return context

    def _trust(self, context: gevent.ssl.SSLContext) -> None:
        if self.ca is None:
            context.load_default_certs()
            return
        try:
            context.load_verify_locations(self.ca)
        except OSError as error:
            why = error.strerror or "not readable"
            raise InputError(f"{self.ca}: no certificates in PEM in it ({why})") from error


def _set_ciphers(context: ssl.SSLContext, ciphers: str) -> None:
    if not ciphers:
        return
    try:
        context.set_ciphers(ciphers)
    except (
        ssl.SSLError,
        ValueError,
    ) as error:  # ValueError: a character that OpenSSL can't be told
        raise InputError(f"ciphers {ciphers!r}: OpenSSL has none of these") from error


SYSTEM_TRUST = TLSSettings()
"""Of clients that were told nothing: the system's certificates are trusted."""


def trusting(ca: str | None) -> TLSSettings:
    """
    The settings of a client that trusts the certificates in a file; the system's if None.

    Raises:
        InputError: it can't be read, or has none.
    """
    settings = TLSSettings(ca)
    if ca is not None:
        settings.new_context()  # to hear now what can't be used
    return settings


class TLSClient(NamedTuple):
    """
    The client's side of a connection.

    Args:
        settings: of the fleet.
        host: the server's name, for its certificate and for SNI.
        device: how the client's kind of device speaks TLS.
        cpe_index: of the CPE; None for a client that is none, which shows no certificate.
    """

    settings: TLSSettings
    host: str
    device: DeviceTLS = USUAL
    cpe_index: int | None = None

    @property
    def identity(self) -> Identity | None:
        """The certificate to show, if the server asks for one."""
        return None if self.cpe_index is None else self.settings.identity(self.cpe_index)

    def wrap(
        self, plain: gevent.socket.socket, session: ssl.SSLSession | None = None
    ) -> gevent.ssl.SSLSocket:
        """
        A connected socket as one of TLS, before its handshake.

        Args:
            plain: the socket.
            session: to be resumed; none if None.

        Raises:
            InputError: a file of the settings can't be used.
        """
        context = self.settings.context(self.device, self.identity)
        return context.wrap_socket(
            plain,
            server_hostname=self.host if self.device.sni else None,
            do_handshake_on_connect=False,
            session=session,
        )

    def check(self, secure: ssl.SSLSocket) -> None:
        """
        Check, after the handshake, what OpenSSL has not: see ``new_context``.

        Raises:
            SSLCertVerificationError: the server's certificate is refused.
        """
        if not self.settings.verify or (self.device.sni and not self.device.clock_offset):
            return
        certificate = secure.getpeercert() or {}
        error = None
        if self.device.clock_offset:
            error = validity_error(certificate, time.time() + self.device.clock_offset)
        if error is None and not self.device.sni:
            error = host_error(certificate, self.host)
        if error is not None:
            raise error

    def refused_names(self, address: Any, timeout: float) -> str:
        """
        The names in the certificate of a server, after it was refused for its name.

        A handshake tells nothing of a certificate that it has refused. A second one, which does not
        compare the name, does; all else is verified as before, and nothing is sent over it.

        Args:
            address: the server's, as from ``getaddrinfo``.
            timeout: seconds to wait.
        """
        with suppress(OSError, ValueError):
            context = self.settings.new_context(self.device, check_host=False)
            name = self.host if self.device.sni else None
            with (
                gevent.socket.create_connection(address[:2], timeout) as plain,
                context.wrap_socket(plain, server_hostname=name) as secure,
            ):
                return told(secure.getpeercert() or {})
        return ""

"""
The reasons of failed connections: what the system, the name server or TLS said, each by its name.

``caretaker.reasons`` says what helps against each.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl

from caretaker.errors import AnswerError, ConnectError, ConnectionLost, LimitError, TransportError
from caretaker.quoting import quoted

# -- TCP and names --------------------------------------------------------------------------------

_LIMITS = {
    errno.EMFILE,
    errno.ENFILE,
    errno.EADDRINUSE,
    errno.EADDRNOTAVAIL,
    errno.ENOBUFS,
    errno.ENOMEM,
}
_OUT = "this machine is out of sockets or ports"
_RESET = "connection reset"
_TIMED_OUT = "connection timed out"
_REASONS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ETIMEDOUT: _TIMED_OUT,
    errno.EHOSTUNREACH: "host unreachable",
    errno.ENETUNREACH: "network unreachable",
    errno.ECONNRESET: _RESET,
    errno.EPIPE: _RESET,
    errno.ECONNABORTED: "connection aborted",
    errno.EACCES: "connection not permitted",
    errno.EPERM: "connection not permitted",
}


class NotTLS(OSError):
    """
    The answer to a TLS handshake was not TLS.

    Args:
        rest: the answer without its first five bytes, which OpenSSL has taken for a TLS header.
    """

    def __init__(self, rest: bytes) -> None:
        super().__init__(rest)
        self.rest = rest


class HandshakeTimeout(OSError):
    """The connection is there, and the other side does not answer the TLS handshake."""


class UnusableIdentity(OSError):
    """The certificate that the client should show can't be used; its text says why."""


def connect_error(error: OSError) -> TransportError:
    """The error of a connection that could not be made."""
    if isinstance(error, ssl.SSLError | NotTLS | HandshakeTimeout):
        return ConnectError(*_tls_reason(error))
    if isinstance(error, UnusableIdentity):
        return ConnectError("TLS: own certificate can't be used", quoted(str(error)))
    if isinstance(error, socket.gaierror):
        return name_error(error)
    if error.errno in _LIMITS:
        return LimitError(_OUT)
    number = errno.ETIMEDOUT if isinstance(error, TimeoutError) else error.errno or 0
    if number in _REASONS:
        return ConnectError(_REASONS[number])
    return ConnectError("connection failed", os.strerror(number) if number else "")


def name_error(error: OSError | UnicodeError) -> TransportError:
    """The error of a host name that could not be looked up."""
    if isinstance(error, OSError) and (error.errno in _LIMITS or not _can_open()):
        return LimitError(_OUT)
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        return ConnectError("name server does not answer")
    return ConnectError("host name not found")


def _can_open() -> bool:
    """Whether a file can be opened: libc says of any name that it is not known where none can."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return False
    return True


def lost_error(error: OSError) -> TransportError:
    """The error of a connection that broke before its answer was complete."""
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        reason, _ = _tls_reason(error)
        kind = ConnectError if reason in _OF_CLIENT else ConnectionLost
        return kind(reason)
    return ConnectionLost(_TIMED_OUT if error.errno == errno.ETIMEDOUT else _RESET)


# -- TLS ------------------------------------------------------------------------------------------

WRONG_HOST = "TLS: certificate of another host"
CLIENT_CERTIFICATE = "TLS: client certificate required"
_CLIENT_UNKNOWN_CA = "TLS: client certificate of an unknown CA"
_CLIENT_EXPIRED = "TLS: client certificate expired"
_CLIENT_REFUSED = "TLS: client certificate refused"
_OF_CLIENT = {CLIENT_CERTIFICATE, _CLIENT_UNKNOWN_CA, _CLIENT_EXPIRED, _CLIENT_REFUSED}
"""What a server of TLS 1.3 says only after the handshake, which the client has ended by then."""
_NOT_TLS = "TLS: the port does not speak TLS"
_UNKNOWN_CA = "TLS: certificate of an unknown CA"
_NO_VERSION = "TLS: no common protocol version"
_CERTIFICATES = {
    2: _UNKNOWN_CA,  # X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT
    9: "TLS: certificate not yet valid",
    10: "TLS: certificate expired",
    18: _UNKNOWN_CA,  # DEPTH_ZERO_SELF_SIGNED_CERT
    19: _UNKNOWN_CA,  # SELF_SIGNED_CERT_IN_CHAIN
    20: _UNKNOWN_CA,  # UNABLE_TO_GET_ISSUER_CERT_LOCALLY
    21: _UNKNOWN_CA,  # UNABLE_TO_VERIFY_LEAF_SIGNATURE
    62: WRONG_HOST,  # HOSTNAME_MISMATCH
    64: WRONG_HOST,  # IP_ADDRESS_MISMATCH
}
"""The reason of each ``verify_code`` of OpenSSL."""
_HANDSHAKES = {
    "CERTIFICATE_REQUIRED": CLIENT_CERTIFICATE,
    "ALERT_UNKNOWN_CA": _CLIENT_UNKNOWN_CA,
    "ALERT_CERTIFICATE_EXPIRED": _CLIENT_EXPIRED,
    "ALERT_BAD_CERTIFICATE": _CLIENT_REFUSED,
    "ALERT_CERTIFICATE_REVOKED": _CLIENT_REFUSED,
    "ALERT_CERTIFICATE_UNKNOWN": _CLIENT_REFUSED,
    "ALERT_UNSUPPORTED_CERTIFICATE": _CLIENT_REFUSED,
    "ALERT_ACCESS_DENIED": _CLIENT_REFUSED,
    "PROTOCOL_VERSION": _NO_VERSION,
    "UNSUPPORTED_PROTOCOL": _NO_VERSION,
    "NO_PROTOCOLS_AVAILABLE": _NO_VERSION,
    "VERSION_TOO_LOW": _NO_VERSION,
    "WRONG_VERSION_NUMBER": _NOT_TLS,
    "PACKET_LENGTH_TOO_LONG": _NOT_TLS,
    "RECORD_LAYER_FAILURE": _NOT_TLS,
    "UNRECOGNIZED_NAME": "TLS: host name refused",
    "HANDSHAKE_FAILURE": "TLS: handshake refused",
    "UNEXPECTED_EOF": "TLS: connection closed in the handshake",
}
"""The reason of each of OpenSSL's, by a part of its name."""


def _tls_reason(error: ssl.SSLError | NotTLS | HandshakeTimeout) -> tuple[str, str]:
    """The reason of an error of TLS, and what OpenSSL said where that is not a known one."""
    if isinstance(error, HandshakeTimeout):
        return "TLS: no answer to the handshake", ""
    if isinstance(error, NotTLS):
        is_http = re.match(rb"1\.[01] [0-9]{3}", error.rest)
        return ("TLS: the port speaks plain HTTP" if is_http else _NOT_TLS), ""
    if isinstance(error, ssl.SSLCertVerificationError):
        known = _CERTIFICATES.get(error.verify_code)
        return (known, "") if known else ("TLS: certificate refused", quoted(error.verify_message))
    name = getattr(error, "reason", None) or ""  # errors that Python itself makes have none
    if isinstance(error, ssl.SSLEOFError):
        name = "UNEXPECTED_EOF"
    for part, reason in _HANDSHAKES.items():
        if part in name:
            return reason, ""
    return "TLS: handshake failed", name.lower().replace("_", " ")


def is_not_tls(error: BaseException) -> bool:
    """Whether an error of OpenSSL says that the answer was not TLS."""
    return isinstance(error, ssl.SSLError) and _tls_reason(error)[0] == _NOT_TLS


# -- other protocols ------------------------------------------------------------------------------

_PROTOCOLS = (
    (re.compile(rb"SSH-"), "answer is SSH, not HTTP"),
    (re.compile(rb"[\x14-\x16]\x03"), "answer is TLS, not HTTP"),
    (re.compile(rb"220[ -]"), "answer is FTP or SMTP, not HTTP"),
)
_BANNER = re.compile(rb"[\x20-\x7e\t]{1,200}(?=\r|\n|\Z)")


def not_http(data: bytes) -> AnswerError:
    """
    The error of an answer that is not HTTP, with the protocol that it is, or its first line.

    Args:
        data: the first bytes.
    """
    banner = _BANNER.match(data)
    reasons = (reason for pattern, reason in _PROTOCOLS if pattern.match(data))
    return AnswerError(
        next(reasons, "answer is not HTTP"), quoted(banner[0].decode()) if banner else ""
    )

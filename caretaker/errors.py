"""
All errors of Caretaker, in one place.

::

    CaretakerError
    ├── InputError              the user's input can't be used: an option, a file, an address
    │   └── ProfileError        ... a device profile
    ├── FaultError              a CWMP fault to answer a request with; knows its FaultCode
    ├── ReasonError             something failed by what the peer did, or did not do
    │   ├── EnvelopeError       bytes that can't be read as a CWMP envelope
    │   ├── SessionError        the peer broke the rules of the CWMP session
    │   └── TransportError      an HTTP exchange failed; ``blame`` says whose fault it is
    │       ├── ConnectError    no connection: refused, unreachable, no such name, TLS
    │       ├── LimitError      no connection: this machine ran out of sockets or ports
    │       ├── ConnectionLost  the peer reset or closed the connection half-way
    │       ├── AnswerTimeout   no complete answer before the deadline
    │       ├── AnswerError     an answer that is not HTTP, or too large
    │       ├── AuthenticationError the credentials were refused
    │       ├── RedirectError   too many redirects, or one to a place that is not allowed
    │       └── LoadShed        the peer sheds load: HTTP 503
    ├── StreamError             a stream of XMPP can't go on
    ├── SASLError               a server's part of a login over XMPP can't be used
    ├── NotAdmitted             the master that is there now has not admitted this worker
    ├── ContentUnknownError     only the hash of a file's content is known here
    ├── DatagramError           a datagram that is neither STUN nor a Connection Request
    ├── StateError              the stored state of a CPE can't be read
    ├── DeviceNotFound          no device of that serial number here
    └── DeviceBusy              the device refuses a Connection Request just now

A ``ReasonError`` has a *reason*, which goes into statistics: it is short and holds nothing that
varies (no serial number, address or byte count). What the peer has said is quoted apart from it.
``reasons.py`` says what helps against each.
"""

from __future__ import annotations

import enum
import re

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LONGEST_LINE = 1000
"""Characters of a complaint; a longer text of the user's is cut in its middle."""


class Blame(enum.Enum):
    """Whose fault a failed session is; the report counts each apart."""

    OURS = "ours"
    """A bug of Caretaker."""
    ACS = "acs"
    """Wrong protocol, an error status, no answer."""
    SHED = "shed"
    """The ACS sheds load on purpose: HTTP 503."""
    GENERATOR = "generator"
    """This machine is at its limit: sockets, ports, descriptors."""


class CaretakerError(Exception):
    """The root of all errors that Caretaker raises on purpose."""


class InputError(CaretakerError):
    """Input of the user that can't be used; the text is one line that names input and cure."""

    def __str__(self) -> str:
        return one_line(super().__str__())


def one_line(text: str) -> str:
    """A complaint as one line of a fair length, whatever stands in the names that it repeats."""
    line = _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)
    half = _LONGEST_LINE // 2
    return line if len(line) <= _LONGEST_LINE else f"{line[:half]} ... {line[-half:]}"


class ProfileError(InputError):
    """A device profile that can't be used."""


class ContentUnknownError(CaretakerError):
    """Only the hash of the content of a file is known in this process."""


class FaultError(CaretakerError):
    """
    A CWMP fault to answer a request with.

    Args:
        fault_code: 9000-9899 from a CPE, 8000-8899 from an ACS.
        fault_string: the FaultString; empty for the standard's own words.
    """

    def __init__(self, fault_code: int, fault_string: str = "") -> None:
        super().__init__(fault_code, fault_string)
        self.fault_code = int(fault_code)
        self.fault_string = fault_string


class ReasonError(CaretakerError):
    """
    Something failed by what the peer did, or did not do.

    Args:
        reason: why, in words that are the same whenever it happens.
        quoted: what the peer said, if there is something to quote.
    """

    def __init__(self, reason: str, quoted: str = "") -> None:
        super().__init__(f"{reason}: {quoted}" if quoted else reason)
        self.reason = reason
        self.quoted = quoted


class EnvelopeError(ReasonError):
    """Bytes that can't be read as a CWMP envelope."""


class SessionError(ReasonError):
    """The peer broke the rules of the CWMP session."""


class TransportError(ReasonError):
    """An HTTP exchange that failed."""

    blame = Blame.ACS


class ConnectError(TransportError):
    """No connection: refused, unreachable, no such name."""


class LimitError(TransportError):
    """No connection, because this machine ran out of descriptors, ports or memory."""

    blame = Blame.GENERATOR


class ConnectionLost(TransportError):
    """The peer reset or closed the connection before its answer was complete."""


class AnswerTimeout(TransportError):
    """No complete answer before the deadline."""


class AnswerError(TransportError):
    """An answer that is not HTTP/1.x, or larger than we accept."""


class AuthenticationError(TransportError):
    """The peer refused the credentials."""


class RedirectError(TransportError):
    """Too many redirects, or one to a place that is not allowed."""


class LoadShed(TransportError):
    """The peer sheds load with an HTTP 503."""

    blame = Blame.SHED


class StreamError(CaretakerError):
    """
    A stream of XMPP that can't go on.

    Args:
        condition: what the peer is told, a stream error of RFC 6120 4.9.3.
        reason: what people are told: words of ours, short, the same whenever it happens.
    """

    def __init__(self, condition: str, reason: str) -> None:
        super().__init__(reason)
        self.condition = condition
        self.reason = reason


class SASLError(CaretakerError):
    """A server's part of a login over XMPP that can't be used; the text says why."""


class NotAdmitted(CaretakerError):
    """The master that is there now has not admitted this worker; the text is one line."""


class DatagramError(CaretakerError):
    """A datagram that can't be read as a STUN message, or as a Connection Request by UDP."""


class StateError(CaretakerError):
    """The stored state of a CPE that can't be read: broken, or of another version."""


class DeviceNotFound(CaretakerError):
    """No device of that serial number here; a Connection Request gets 404."""


class DeviceBusy(CaretakerError):
    """The device refuses a Connection Request just now, or is in a session; the answer is 503."""

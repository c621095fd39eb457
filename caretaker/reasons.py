"""
The reasons of failures: what each means, what helps, and how many different ones are kept.

Reasons are names of metrics, so they are short and stay as they are. ``REASONS`` says the rest to
people, in the console, the report and ``docs/reasons.md``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

# -- what helps -----------------------------------------------------------------------------------


class Reason(NamedTuple):
    """
    What is known of a reason.

    Args:
        meaning: what has happened.
        cure: what helps; empty if only the ACS's maker can do something.
        settings: whether a setting of this run may have caused it, and not the ACS.
    """

    meaning: str
    cure: str = ""
    settings: bool = False


BUG = "bug of Caretaker"
"""The reason of what fails by our own fault."""
FENCED = "the worker had lost its master"
"""The reason of the sessions that a worker ends when its lease of indices is over."""
OTHER = "another reason"
"""Stands for the reasons beyond those that are kept apart."""
_HOST = "is the ACS's URL (--host; of caretaker cpe --acs-url) right"
_CREDENTIALS = (
    "check --acs-username and --acs-password; without them each CPE shows its device id and a "
    "password of its own"
)
_NOT_A_URL_OF_CWMP = f"{_HOST}, with port and path? The ACS's pages and its API have others"
_ALLOW = "name it with --allow-host if requests may go there"
_LOAD = "is the ACS overloaded, or does a proxy before it give up? See its log"
_BUG_OF_ACS = "the ACS breaks the protocol here: see the message with --record, and the ACS's log"
_NO_TLS = "is it a port without TLS? Then use http://"
_CR = "do the ConnectionRequestUsername and -Password that the ACS shows come from this CPE?"
_BASIC = "leave --cr-allow-basic out, or allow Basic in the ACS"
_REACH = "can the ACS reach the CPEs? See --cr-host, --cr-advertise and --allow-host"
_NBI = "is --nbi-url the address of the north-bound API, with its port, and does it run?"

REASONS: dict[str, Reason] = {
    # Connections.
    "connection refused": Reason(
        "nothing listens at that address", f"{_HOST}? Does the ACS run?", True),
    "connection timed out": Reason(
        "no answer to the attempt to connect", f"{_HOST}? A firewall may drop packets", True),
    "host unreachable": Reason("the network knows no way to the host", f"{_HOST}?", True),
    "network unreachable": Reason(
        "this machine has no way there", f"{_HOST}? See its routes", True),
    "host name not found": Reason("no address belongs to the name", f"{_HOST}?", True),
    "host has no IPv4 address": Reason(
        "the name has addresses of IPv6 alone, or the URL names one",
        "give --ip-version any or 6, or a --source-address of IPv6", True),
    "host has no IPv6 address": Reason(
        "the name has addresses of IPv4 alone, or the URL names one",
        "give --ip-version any or 4, or a --source-address of IPv4", True),
    "this machine has no IPv6": Reason(
        "the host has addresses of IPv6 alone, and this machine has it switched off",
        "sysctl -w net.ipv6.conf.all.disable_ipv6=0, or use a host with an IPv4 address", True),
    "name server does not answer": Reason(
        "the name could not be looked up", "see /etc/resolv.conf, or use an address", True),
    "connection not permitted": Reason(
        "this machine forbids the connection", "see its firewall", True),
    "connection reset": Reason("the other side broke the connection", _LOAD),
    "connection aborted": Reason("the connection broke before it was used", _LOAD),
    "connection failed": Reason("the system's own words follow", "", True),
    "connection closed without an answer": Reason(
        "the connection ended where an answer was due",
        f"{_LOAD}. Or is it a port of TLS? Then use https://", True),
    "connection closed in the middle of an answer": Reason("an answer was cut off", _LOAD),
    "no answer in time": Reason(
        "no complete answer within --answer-timeout", _LOAD),
    "this machine is out of sockets or ports": Reason(
        "a limit of the generating machine, not of the ACS", "docs/limits.md says how to raise it"),
    # TLS.
    "TLS: certificate of an unknown CA": Reason(
        "no trusted CA has signed the server's certificate",
        "--tls-ca FILE with the CA's certificate, or --tls-insecure for tests", True),
    "TLS: certificate of another host": Reason(
        "the names in the certificate, which follow, are not the host's",
        "use one of these names in the ACS's URL, or --tls-insecure for tests", True),
    "TLS: certificate expired": Reason(
        "the server's certificate is too old",
        "renew it; or --tls-insecure for tests. Is this machine's clock right?", True),
    "TLS: certificate not yet valid": Reason(
        "the server's certificate begins later",
        "is this machine's clock right? --tls-insecure for tests", True),
    "TLS: certificate refused": Reason(
        "OpenSSL's own words follow", "--tls-insecure for tests", True),
    "TLS: client certificate required": Reason(
        "the server wants a certificate of each CPE, and this one has none",
        "--client-cert; caretaker certs makes them for tests", True),
    "TLS: client certificate of an unknown CA": Reason(
        "the server does not trust the CA of the CPE's certificate",
        "have the server trust it, or give others with --client-cert", True),
    "TLS: client certificate expired": Reason(
        "the server takes the CPE's certificate for too old",
        "renew it. Is the server's clock right?", True),
    "TLS: client certificate refused": Reason(
        "the server does not take the CPE's certificate", "see the server's log", True),
    "TLS: own certificate can't be used": Reason(
        "a file of --client-cert or --client-key has gone or changed; its name follows",
        "put it back", True),
    "TLS: handshake refused": Reason(
        "no cipher in common, or the server wants a client certificate",
        "see the server's log and its TLS settings; --client-cert", True),
    "TLS: no common protocol version": Reason(
        "CPEs speak TLS 1.2 and 1.3, unless --tls-versions or a quirk says otherwise",
        "let the server speak one of them", True),
    "TLS: host name refused": Reason(
        "the server has no certificate for the name", f"{_HOST}?", True),
    "TLS: the port speaks plain HTTP": Reason(
        "the server answered HTTP to a TLS handshake", "use http:// in the URL", True),
    "TLS: the port does not speak TLS": Reason(
        "the server answered something else", f"{_HOST}, with its port?", True),
    "TLS: connection closed in the handshake": Reason(
        "the server ended the connection", f"{_NO_TLS}. Else see the server's log", True),
    "TLS: no answer to the handshake": Reason(
        "the port takes connections, and says nothing", _NO_TLS, True),
    "TLS: handshake failed": Reason("OpenSSL's own words follow", "see the server's log", True),
    # Another protocol on the port.
    "answer is TLS, not HTTP": Reason("the port speaks TLS", "use https:// in the URL", True),
    "answer is SSH, not HTTP": Reason("the port is that of SSH", f"{_HOST}, with its port?", True),
    "answer is FTP or SMTP, not HTTP": Reason(
        "the port is that of another server", f"{_HOST}, with its port?", True),
    "answer is not HTTP": Reason(
        "the answer's first line follows, if it is text", f"{_HOST}, with its port?", True),
    "answer is too large": Reason(
        "more than 2 MB, or too many headers", _NOT_A_URL_OF_CWMP, True),
    "unknown content coding": Reason("neither gzip nor deflate", _BUG_OF_ACS),
    "content coding is broken": Reason("not what Content-Encoding says", _BUG_OF_ACS),
    # Statuses.
    "credentials refused (HTTP 401)": Reason(
        "the ACS refused user name or password", _CREDENTIALS, True),
    "no credentials (HTTP 401)": Reason(
        "the ACS asks for some, and the CPE's are empty",
        "give --acs-username and --acs-password", True),
    "HTTP 401 without a challenge": Reason(
        "the ACS does not say which scheme it wants", "is there a proxy before the ACS?", True),
    "HTTP 401 asks for what is not supported": Reason(
        "the schemes that it offers follow; CPEs know Basic, and Digest with MD5",
        "let the ACS offer one of them", True),
    "HTTP 401 again and again": Reason("each nonce was stale at once", _BUG_OF_ACS),
    "HTTP 401": Reason(
        "asked for by a host that the ACS redirected to; it is shown no credentials"),
    "HTTP 400": Reason(
        "the ACS refused the request, in the words that follow",
        '"CPE already in session" of GenieACS: the last session broke off less than 30 s ago'),
    "HTTP 403": Reason(
        "the ACS forbids it; some refuse credentials so",
        f"{_HOST}? Does the ACS know these CPEs, with --acs-username and --acs-password?", True),
    "HTTP 404": Reason("nothing is at that path", _NOT_A_URL_OF_CWMP, True),
    "HTTP 405": Reason("POST is not allowed at that path", _NOT_A_URL_OF_CWMP, True),
    "HTTP 503": Reason("the ACS sheds load", "that is its right; less load, or a larger ACS"),
    "HTTP *": Reason("a status that no session knows", "see the ACS's log"),
    "too many redirects": Reason("more than five in a row", _BUG_OF_ACS),
    "redirect to a host that is not allowed": Reason("the ACS sends CPEs elsewhere", _ALLOW, True),
    "redirect to what is no http address": Reason("the Location can't be used", _BUG_OF_ACS),
    "redirect from https to http": Reason("it would give up TLS", "redirect to https"),
    "ACS URL of a host that is not allowed": Reason(
        "the ACS has set another ManagementServer.URL", _ALLOW, True),
    "ACS URL is no http address": Reason(
        "the ACS has set a ManagementServer.URL that can't be used", "see what sets it"),
    # Bodies and messages.
    "HTML page, no SOAP envelope": Reason(
        "a web page answered; its title follows", _NOT_A_URL_OF_CWMP, True),
    "JSON, no SOAP envelope": Reason("an API answered", _NOT_A_URL_OF_CWMP, True),
    "text, no SOAP envelope": Reason(
        "an answer in words, which follow",
        f"{_HOST}? Does the ACS take the profile's CWMP version and quirks? See docs/acs", True),
    "not well-formed XML": Reason("an envelope that can't be read, or none", _BUG_OF_ACS),
    "XML with a DOCTYPE is refused": Reason("SOAP forbids it", _BUG_OF_ACS),
    "XML, but not a SOAP envelope": Reason("another XML document", _NOT_A_URL_OF_CWMP, True),
    "envelope without a Body": Reason("SOAP wants one", _BUG_OF_ACS),
    "envelope is too large": Reason("more than 32 MB, or 500 000 tags", _BUG_OF_ACS),
    "Body does not hold exactly one message": Reason("CWMP wants one", _BUG_OF_ACS),
    "* is missing in *": Reason("a message without a mandatory argument", _BUG_OF_ACS),
    "* of unknown xsi:type": Reason("a message that can't be read", _BUG_OF_ACS),
    "* is not a number": Reason("a message that can't be read", _BUG_OF_ACS),
    "* is not a boolean": Reason("a message that can't be read", _BUG_OF_ACS),
    "* is not base64": Reason("a message that can't be read", _BUG_OF_ACS),
    "answer with a cwmp:ID that is not the request's": Reason(
        "TR-069 wants the same", "--any-id accepts it, for ACSs that can't"),
    "Fault 8005 again and again": Reason(
        "the ACS asks to repeat a request without end", _BUG_OF_ACS),
    "Fault * in answer to *": Reason("the ACS refused a request of the CPE", "see the ACS's log"),
    "* in answer to *": Reason("the answer to another request", _BUG_OF_ACS),
    "a session without an end": Reason("more than 20 000 POSTs, or an hour", _BUG_OF_ACS),
    "* while *": Reason("a message out of turn", _BUG_OF_ACS),
    # Transfers.
    "file server: URL of a host that is not allowed": Reason(
        "the ACS sends CPEs to another host for the file", _ALLOW, True),
    "file server: URL is no http address": Reason(
        "the URL of the Download or Upload can't be used", "see what sets it"),
    "file server: credentials refused (HTTP 401)": Reason(
        "it refused the Username and Password of the Download or Upload", "see what sets them"),
    "file server: HTTP 401": Reason(
        "it asks for credentials, and the Download or Upload has none", "see what sets them"),
    "file server: HTTP 404": Reason("the file is not there", "is it in the ACS's files?"),
    "file server: not FileSize bytes": Reason(
        "the file is not as large as the Download says", "see what sets FileSize"),
    "file server: transfer took too long": Reason("more than an hour", "see --bandwidth", True),
    "file server: TLS: *": Reason(
        "no trust in its certificate, or no TLS",
        "--tls-ca FILE, or --tls-insecure for tests", True),
    "file server: bug of Caretaker": Reason("see the log of the worker", "please report it"),
    "file server: *": Reason(
        "the way to the file server, or what it said",
        "does the URL of the Download or Upload lead there, from this machine, too?"),
    # Tasks.
    "Device is offline": Reason("the ACS could not reach the CPE", _REACH, True),
    "Invalid connection request URL or protocol": Reason(
        "the ACS does not send a request there", _REACH, True),
    "Basic HTTP authentication not allowed": Reason("the CPE asked for Basic", _BASIC, True),
    "Unrecognized auth method": Reason("the CPE did not ask for Digest", _BASIC, True),
    "Connection request error: Device is offline": Reason(
        "the ACS could not reach the CPE", _REACH, True),
    "Connection request error: Invalid connection request URL or protocol": Reason(
        "the ACS does not send a request there", _REACH, True),
    "Connection request error: Incorrect connection request credentials": Reason(
        "the CPE refused the ACS", _CR, True),
    "Connection request error: Basic HTTP authentication not allowed": Reason(
        "the CPE asked for Basic", _BASIC, True),
    "Connection request error: Unexpected XMPP error *": Reason(
        "the CPE, or the XMPP server, answered with another error", "see the server's log"),
    "Connection request error: not connected to the XMPP server": Reason(
        "the ACS has no stream there; why follows",
        "are --cr-xmpp-jid, its password and --cr-xmpp-server right, and --cr-tls-ca for the "
        "server's certificate?"),
    "Connection request error: no answer over XMPP": Reason(
        "neither the CPE nor the XMPP server answered in 5 s",
        "does the server hold the requests of --cr-xmpp-jid back? See docs/xmpp"),
    "Connection request error: too many under way over XMPP": Reason(
        "10 000 requests of one sender have no answer yet",
        "does the server hold the requests of --cr-xmpp-jid back? See docs/xmpp"),
    "Connection request error: Unexpected *": Reason(
        "the CPE answered another status: 503 when it is busy or down, 404 when it is not here"),
    "Connection request error: *": Reason("the ACS's own words"),
    "Task faulted": Reason("the CPE answered with a fault", "see the fault in the ACS"),
    "no session after a Connection Request by UDP": Reason(
        "the datagrams were sent, and the CPE began no session: the NAT's binding may be gone",
        "is --stun-keep-alive shorter than the binding lives?"),
    "UDPConnectionRequestAddress is no address": Reason("the CPE reports another text"),
    "ConnReqJabberID is no address": Reason(
        "the CPE reports another text, or an address of another domain than --cr-xmpp-jid"),
    "Connection Request: credentials refused": Reason("the CPE refused the driver", _CR),
    "Connection Request: HTTP *": Reason(
        "the CPE answered another status: 503 when it is busy or down, 404 when it is not here"),
    "ConnectionRequestURL is no http address": Reason(
        "it can't be used", "see --cr-advertise", True),
    "north-bound API: no answer in time": Reason("no answer in 190 s", "see the API's log"),
    "north-bound API: HTTP 404": Reason(
        "the API knows no such device, or no such path",
        "is it the API of this ACS? The CPEs must have informed it", True),
    "north-bound API: HTTP *": Reason(
        "the API's own words follow",
        "is --nbi-url that of the API, with its port? Else see the API's log", True),
    "north-bound API: TLS: *": Reason(
        "no trust in its certificate, or no TLS",
        f"{_NBI} It must be trusted by this system", True),
    "north-bound API: *": Reason("the way to the API", _NBI, True),
    # Of this run.
    "ACS outage (scenario)": Reason("the scenario asked for it"),
    FENCED: Reason(
        "it heard nothing of its master for --fence-after seconds, so its CPEs stopped",
        "was a machine frozen or overloaded, or the network between them cut?"),
    BUG: Reason("see the log of the worker", "please report it"),
    OTHER: Reason("more different ones than are kept apart"),
}  # fmt: skip
"""
What is known of each reason; ``*`` stands for any text, and the first that fits counts.

What a peer said follows a reason after a colon.
"""


@lru_cache(1024)
def find(reason: str) -> Reason | None:
    """What is known of a reason, with what was quoted or without; None if nothing is."""
    exact = REASONS.get(reason)
    if exact is not None:
        return exact
    return next((known for pattern, known in _PATTERNS if pattern.fullmatch(reason)), None)


_PATTERNS = [
    (re.compile(re.escape(name).replace(r"\*", ".*") + "(?:: .*)?", re.DOTALL), known)
    for name, known in REASONS.items()
]


def cure(reason: str) -> str:
    """What helps against a reason; empty if nothing is known."""
    known = find(reason)
    return known.cure if known is not None else ""


# -- how many -------------------------------------------------------------------------------------

MAX_QUOTED = 50
"""Different reasons with a quotation that one worker keeps apart."""
MAX_REASONS = 200
"""Different reasons of any kind that one worker keeps apart."""


class BoundedReasons:
    """
    The reasons of one worker, as statistics have them.

    A peer that puts an id or a time into what it says would make each failure a reason of its own.
    """

    def __init__(self) -> None:
        self._known: set[str] = set()

    def of(self, reason: str, quoted: str = "") -> str:
        """The reason with what was quoted; without it, or ``OTHER``, when there are too many."""
        if quoted and self._keeps(f"{reason}: {quoted}", MAX_QUOTED):
            return f"{reason}: {quoted}"
        return reason if self._keeps(reason, MAX_REASONS) else OTHER

    def _keeps(self, text: str, most: int) -> bool:
        if text not in self._known and len(self._known) < most:
            self._known.add(text)
        return text in self._known

"""
The connection to an XMPP server that a CPE takes Connection Requests over (TR-069 Annex K).

``wanted_connection`` reads which connection the parameters ask for, whoever has set them, and
``report`` writes what has become of it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from caretaker.device.base import CPEBase

PORT = 5222
"""Of XMPP for clients (RFC 6120)."""
KEEP_ALIVE_SECONDS = 300.0
"""Between keep-alives where KeepAliveInterval is -1: as often as RFC 6120 4.6.4 recommends."""
_MAX_MULTIPLIER = 65.535
"""Of the waits between attempts, as TR-181 has it."""
_ON = ("1", "true")


class WantedConnection(NamedTuple):
    """
    What the parameters of a CPE ask for.

    Args:
        row: the path of the row of XMPP.Connection.
        username, password, domain, resource: of its account.
        host, port: of the server.
        use_tls: UseTLS.
        keep_alive: seconds between keep-alives; 0 for none.
        retry_initial, retry_multiplier, retry_longest: ServerRetry..., in seconds.
    """

    row: str
    username: str
    password: str
    domain: str
    resource: str
    host: str
    port: int
    use_tls: bool
    keep_alive: float
    retry_initial: float
    retry_multiplier: float
    retry_longest: float

    def __repr__(self) -> str:
        """Row, account without its password, and server."""
        account = f"{self.username}@{self.domain}"
        return f"WantedConnection({self.row!r}, {account!r}, {self.host!r}, {self.port})"


def wanted_connection(cpe: CPEBase, now: float) -> WantedConnection | None:
    """The connection that ConnReqXMPPConnection refers to; None if there is none, or it is off."""
    row = cpe.management_value("ConnReqXMPPConnection", now)
    row = row if row.endswith(".") else f"{row}."
    if row == "." or cpe.value(f"{row}Enable", now) not in _ON:
        return None
    username, password, domain, resource = (
        cpe.value(row + last, now) for last in ("Username", "Password", "Domain", "Resource")
    )
    host, port = _server(cpe, row, now) or (domain, PORT)
    keep_alive = cpe.value(f"{row}KeepAliveInterval", now)
    return WantedConnection(
        row, username, password, domain, resource, host, port,
        use_tls=cpe.value(f"{row}UseTLS", now) in _ON,
        keep_alive=_number(keep_alive, KEEP_ALIVE_SECONDS),
        retry_initial=_number(cpe.value(f"{row}ServerRetryInitialInterval", now), 60.0),
        retry_multiplier=min(_MAX_MULTIPLIER, _number(
            cpe.value(f"{row}ServerRetryIntervalMultiplier", now), 2000.0
        ) / 1000),
        retry_longest=_number(cpe.value(f"{row}ServerRetryMaxInterval", now), 30_720.0),
    )  # fmt: skip


def _server(cpe: CPEBase, row: str, now: float) -> tuple[str, int] | None:
    """The server to try first, of those in the table that are on."""
    servers = []
    for path in cpe.model.children_of(f"{row}Server.", cpe.overlay) or ():
        host = cpe.value(f"{path}ServerAddress", now)
        if host and cpe.value(f"{path}Enable", now) in _ON:
            priority = _number(cpe.value(f"{path}Priority", now), 0.0)
            port = int(_number(cpe.value(f"{path}Port", now), PORT))
            servers.append((priority, path, host, port if 0 < port < 1 << 16 else PORT))
    return min(servers)[2:] if servers else None


def _number(text: str, default: float) -> float:
    is_number = text.isascii() and text.isdigit() and len(text) <= 10  # of 32 bits
    return float(text) if is_number else default


def report(cpe: CPEBase, row: str, status: str, now: float, *, jid: str, is_secure: bool) -> None:
    """
    Write what has become of a connection, with the notifications that follow from it.

    Args:
        cpe: that it is of.
        row: of XMPP.Connection.
        status: one of its Status values.
        now: the time.
        jid: the address that the server has given; empty while there is none. ConnReqJabberID
            keeps the last one until there is another (TR-181).
        is_secure: whether it is inside of TLS.
    """
    date = datetime.fromtimestamp(now + cpe.context.wall_offset, UTC)
    values = {
        f"{row}JabberID": jid,
        f"{row}Status": status,
        f"{row}TLSEstablished": str(int(is_secure)),
        f"{row}LastChangeDate": f"{date:%Y-%m-%dT%H:%M:%SZ}",
    }
    if jid:
        values[cpe.profile.management_paths["ConnReqJabberID"]] = jid
    for path, value in values.items():
        if cpe.parameter(path) is not None:  # a profile of the user's may lack some
            cpe.change(path, value, now)


def forget(cpe: CPEBase, row: str, now: float) -> None:
    """Write that a connection is wanted no more: ConnReqJabberID is empty then (TR-181)."""
    report(cpe, row, "Disabled", now, jid="", is_secure=False)
    path = cpe.profile.management_paths["ConnReqJabberID"]
    if cpe.parameter(path) is not None:
        cpe.change(path, "", now)

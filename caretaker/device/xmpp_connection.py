"""
The connection to an XMPP server that a CPE takes Connection Requests over (TR-069 Annex K).

``wanted_connection`` reads which connection the parameters ask for, whoever has set them, and
``report`` writes what has become of it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from caretaker.device.base import CPEBase
from caretaker.plain_numbers import is_digits

PORT = 5222
"""Of XMPP for clients (RFC 6120)."""
KEEP_ALIVE_SECONDS = 300.0
"""Between keep-alives where KeepAliveInterval is -1: as often as RFC 6120 4.6.4 recommends."""
MAX_SERVERS = 8
"""Rows of the table of servers that are tried."""
_MAX_MULTIPLIER = 65.535
"""Of the waits between attempts, as TR-181 has it."""
_LEAST_WEIGHT = 0.01
"""That a weight of 0 stands for: a small chance (RFC 2782)."""
_RETRY_NAMES = (
    "ServerRetryInitialInterval", "ServerRetryIntervalMultiplier", "ServerRetryMaxInterval",
)  # fmt: skip
_RETRY_VALUES: tuple[float, ...] = (60.0, 2000.0, 30_720.0)
"""What they are by default."""
_ON = ("1", "true")


class WantedConnection(NamedTuple):
    """
    What the parameters of a CPE ask for.

    Args:
        row: the path of the row of XMPP.Connection.
        username, password, domain, resource: of its account.
        servers: host and port of each, in the order in which they are to be tried.
        use_tls: UseTLS.
        keep_alive: seconds between keep-alives; 0 for none.
        retry_initial, retry_multiplier, retry_longest: ServerRetry..., in seconds.
        attempts: ServerConnectAttempts, at each address of a server.
    """

    row: str
    username: str
    password: str
    domain: str
    resource: str
    servers: tuple[tuple[str, int], ...]
    use_tls: bool
    keep_alive: float
    retry_initial: float
    retry_multiplier: float
    retry_longest: float
    attempts: int

    def __repr__(self) -> str:
        """Row, account without its password, and servers."""
        account = f"{self.username}@{self.domain}"
        return f"WantedConnection({self.row!r}, {account!r}, {self.servers!r})"


def wanted_connection(cpe: CPEBase, now: float) -> WantedConnection | None:
    """The connection that ConnReqXMPPConnection refers to; None if there is none, or it is off."""
    row = cpe.management_value("ConnReqXMPPConnection", now)
    row = row if row.endswith(".") else f"{row}."
    if row == "." or cpe.value(f"{row}Enable", now) not in _ON:
        return None
    username, password, domain, resource = (
        cpe.value(row + last, now) for last in ("Username", "Password", "Domain", "Resource")
    )
    attempts = int(_number(cpe.value(f"{row}ServerConnectAttempts", now), 16.0))
    retry = _RETRY_VALUES
    if attempts:  # else reconnecting is as the device likes it
        retry = tuple(
            _number(cpe.value(row + name, now), default)
            for name, default in zip(_RETRY_NAMES, _RETRY_VALUES, strict=True)
        )
    return WantedConnection(
        row, username, password, domain, resource,
        servers=_servers(cpe, row, now) or ((domain, PORT),),
        use_tls=cpe.value(f"{row}UseTLS", now) in _ON,
        keep_alive=_number(cpe.value(f"{row}KeepAliveInterval", now), KEEP_ALIVE_SECONDS),
        retry_initial=retry[0],
        retry_multiplier=min(_MAX_MULTIPLIER, retry[1] / 1000),
        retry_longest=retry[2],
        attempts=max(1, attempts),
    )  # fmt: skip


def _servers(cpe: CPEBase, row: str, now: float) -> tuple[tuple[str, int], ...]:
    """The servers in the table that are on, by their priorities and weights (RFC 2782)."""
    if cpe.value(f"{row}ServerConnectAlgorithm", now) == "DNS-SRV":
        return ()
    rng = cpe.context.identities.random(cpe.index, "XMPP servers")
    servers = []
    for path in cpe.model.children_of(f"{row}Server.", cpe.overlay) or ():
        host = cpe.value(f"{path}ServerAddress", now)
        if host and cpe.value(f"{path}Enable", now) in _ON:
            priority = _number(cpe.value(f"{path}Priority", now), 0.0)
            # Of exponential variables, each is the least with the probability of its rate.
            weight = _number(cpe.value(f"{path}Weight", now), 0.0)
            place = rng.expovariate(max(weight, _LEAST_WEIGHT))
            port = int(_number(cpe.value(f"{path}Port", now), PORT))
            servers.append((priority, place, host, port if 0 < port < 1 << 16 else PORT))
    return tuple((host, port) for _, _, host, port in sorted(servers)[:MAX_SERVERS])


def _number(text: str, default: float) -> float:
    is_number = is_digits(text) and len(text) <= 10  # of 32 bits
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

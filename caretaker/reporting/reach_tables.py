"""
The tables on how CPEs were reached: by way, and by the servers that UDP and XMPP need.

They are part of the report, and of the Fleet page while a run goes on. A run whose CPEs were
reached by HTTP alone has none of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from caretaker.reporting.number_text import readable
from caretaker.reporting.summary_types import Summary, WaySection
from caretaker.reporting.tables import ReportTable, TableRow
from caretaker.way import Way

WAYS = {Way.HTTP: "HTTP", Way.UDP: "UDP", Way.XMPP: "XMPP"}
"""The ways as columns."""
TASKS = {
    "posted": "Tasks posted, by the way that the device reports",
    "done": "... done",
    "queued": "... queued, as the device did not come",
    "failed": "... lost",
    "reasons": "... reason",
}
"""The tasks of a way, by keys of the summary; of a mapping each member is a row."""
REQUESTS = {
    "received": "Connection Requests received",
    "unauthorized": "... not authorized (by HTTP, asked for credentials)",
    "not_found": "... of no CPE",
    "refused": "... refused: the CPE was busy",
    "accepted": "... accepted",
    "delivered": "Accepted ones delivered in an Inform",
    "coalesced": "... that joined a pending one",
    "pending": "... pending",
    "dropped": "... dropped by a rule",
}
"""What became of the Connection Requests of a way."""
TELLING_AT_ZERO = frozenset(
    {"cpes", "posted", "done", "failed", "received", "accepted", "delivered", "sent", "answered",
     "logins", "bound"}
)  # fmt: skip
"""Counts that are shown when they are 0, too."""
STUN_TRIED, XMPP_TRIED = ("cpes", "sent", "unsent"), ("cpes", "logins", "failed")
"""What a section has something of where CPEs tried to be reached."""
TIMES = {"p50": "From accepted to Inform, p50", "p95": "... p95", "p99": "... p99"}
"""The times of a way."""
STUN = {
    "cpes": "CPEs that use STUN",
    "unanswered": "... without an answer to their last request",
    "sent": "Binding Requests sent",
    "answered": "... answered",
    "silent": "... not answered",
    "errors": "... answered with an error",
    "dropped": "... that the CPE waited for no more",
    "waiting": "... that waited for their answer",
    "unsent": "Binding Requests that could not be sent",
    "found": "Bindings found",
    "changed": "... found to be others later",
    "rebound": "... forgotten by a NAT, or changed by a scenario",
    "lost_requests": "Connection Requests to a binding that was gone",
    "duplicates": "... that the CPE had taken already",
    "late": "Answers that came too late",
    "malformed": "Datagrams that are neither",
}
"""What the CPEs behind NAT did, by the keys of the summary; the first two are of the end."""
XMPP = {
    "cpes": "CPEs that are to be connected",
    "not_connected": "... and are not",
    "logins": "Logins tried",
    "bound": "... that succeeded",
    "lost": "Connections lost",
    "failed": "Logins failed and connections lost",
    "closed": "Connections closed by the CPE",
    "keep_alives": "Keep-alives sent",
    "stanzas": "Stanzas received over connections that are over",
    "answered": "Connection Requests answered",
}
"""What the CPEs with an XMPP account did, in the same way."""


def tried_ways(summary: Summary) -> list[Way]:
    """The ways that CPEs were reached by, or tried to be; empty where that is HTTP alone."""
    requests, tasks = summary["connection_requests"]["by_way"], summary["tasks"]["by_way"]
    tried = {*requests, *tasks}
    tried |= {Way.UDP} if _has_tried(summary["stun"], *STUN_TRIED) else set()
    tried |= {Way.XMPP} if _has_tried(summary["xmpp"], *XMPP_TRIED) else set()
    return [way for way in Way if way in tried] if tried - {Way.HTTP} else []


def _has_tried(section: Mapping[str, object], *names: str) -> bool:
    return any(section[name] for name in names)


def reach_tables(summary: Summary) -> list[ReportTable]:
    """The tables that a run has something to tell in."""
    return [
        *_by_way(summary),
        *_kinds(summary["fleet"]["by_reach"]),
        *_of_server("NAT bindings (STUN)", STUN, summary["stun"], *STUN_TRIED),
        *_of_server("XMPP connections", XMPP, summary["xmpp"], *XMPP_TRIED),
    ]


def _by_way(summary: Summary) -> Iterator[ReportTable]:
    requests, tasks = summary["connection_requests"]["by_way"], summary["tasks"]["by_way"]
    ways = tried_ways(summary)
    if not ways:
        return
    rows = [
        *_rows(TASKS, [tasks.get(way, {}) for way in ways]),
        *_rows(REQUESTS, [requests.get(way, {}) for way in ways]),
        *_times([requests.get(way) for way in ways]),
    ]
    about = (
        "A request counts for the way that it came by, a task for the one that its device reports."
    )
    head = ("", *(WAYS[way] for way in ways))
    yield ReportTable("Connection Requests by way", about, head, tuple(rows))


def _of_server(
    title: str, labels: Mapping[str, str], section: Mapping[str, object], *tried: str
) -> Iterator[ReportTable]:
    """What CPEs did at a server, where any of them tried."""
    if _has_tried(section, *tried):
        yield ReportTable(title, "", ("", "Number"), tuple(_rows(labels, [section])))


def _kinds(cpes: Mapping[str, int]) -> Iterator[ReportTable]:
    """How many CPEs there are of each kind, where ``--reach`` has said so."""
    if cpes:
        rows = (TableRow((kind, readable(number))) for kind, number in cpes.items())
        yield ReportTable("CPEs by how they can be reached", "", ("", "CPEs"), tuple(rows))


def _rows(
    labels: Mapping[str, str], sections: Sequence[Mapping[str, object]]
) -> Iterator[TableRow]:
    """
    A row for each count of sections side by side, and for each member of a mapping.

    Counts that are 0 everywhere are left out, unless that tells something.
    """
    for name, label in labels.items():
        figures = [section.get(name) for section in sections]
        families = [figure for figure in figures if isinstance(figure, Mapping)]
        if not families and (name in TELLING_AT_ZERO or any(figures)):
            yield TableRow((label, *map(readable, figures)))
        for member in dict.fromkeys(member for family in families for member in family):
            own = (one.get(member, 0) if isinstance(one, Mapping) else None for one in figures)
            yield TableRow((f"{label}: {member}", *map(readable, own)))


def _times(sections: Sequence[WaySection | None]) -> Iterator[TableRow]:
    for percentile, label in TIMES.items():
        figures = (own and own["to_inform_ms"].get(percentile) for own in sections)
        yield TableRow((label, *(readable(figure, "ms") for figure in figures)))

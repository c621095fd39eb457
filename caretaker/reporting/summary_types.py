"""
The shape of a run's summary, section by section, as ``docs/summary.md`` documents it.

The keys are those of the JSON. Ratios are None where there is nothing that they could be of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

from caretaker.stats.timeline import Mark, TimelineColumns

Percentiles = Mapping[str, float | None]
"""Milliseconds by ``p50``, ``p95``, ``p99`` and ``max``, or some of them; None without data."""


class LostWorkerSection(TypedDict):
    """
    A worker that was gone without a last word.

    ``taken_over`` says whether other workers ran as many CPEs in place of its own at the end, and
    the three fields below it what became of its own.
    """

    worker: str
    cpes: int
    """CPEs that it held."""
    pending_connection_requests: int
    """Those that it had accepted, and of which its last report says no end."""
    reported_at: float | None
    """Seconds of the run that its last report tells of; None without a report."""
    unknown_s: float | None
    """Seconds from the arrival of its last report until it was counted as lost; None without."""
    taken_over: bool
    cpes_back: int
    """CPEs of its own that others have got."""
    first_back_s: float | None
    """Seconds from its last sign of life until others got the first of them; None for none."""
    last_back_s: float | None
    """... the last of them."""


class FleetSection(TypedDict):
    """CPEs and workers at the end of the run."""

    cpes: int
    workers: int
    by_worker: Mapping[str, int]
    profiles: Mapping[str, int]
    by_reach: Mapping[str, int]
    """By the kinds of ``--reach``; empty without it."""
    duplicate_serial_numbers: int
    workers_joined: int
    workers_left: int
    workers_lost: int
    lost: Sequence[LostWorkerSection]
    taken_over: int
    """How often a CPE of a worker that was dead or silent went to another one."""
    from_factory: int
    """Those of them that started from the factory, as nothing keeps their state."""


class InformsSection(TypedDict):
    """Informs, planned and written."""

    planned: int
    not_begun: int
    total: int
    by_event: Mapping[str, int]
    from_plan_ms: Percentiles


class FailureExampleSection(TypedDict):
    """The first session that failed for a reason."""

    cpe: str
    at: float
    events: Sequence[str]


class SessionFailure(TypedDict):
    """Sessions that failed or were shed for one reason, and whose fault that is."""

    reason: str
    blame: str
    number: int
    example: FailureExampleSection | None


class UnfinishedWait(TypedDict):
    """What unfinished sessions waited for at the end, whose affair that is, and for how long."""

    waited_for: str
    blame: str
    number: int
    longest_ms: float


class SessionsSection(TypedDict):
    """CWMP sessions by outcome."""

    started: int
    succeeded: int
    failed: int
    shed: int
    abandoned: int
    unfinished: int
    failed_ratio: float | None
    shed_ratio: float | None
    unfinished_ratio: float | None
    unfinished_waits: Sequence[UnfinishedWait]
    per_second: float | None
    duration_ms: Percentiles
    blame: Mapping[str, int]
    reasons: Mapping[str, int]
    failures: Sequence[SessionFailure]


class WaySection(TypedDict):
    """Connection Requests of one way: what was answered, and what became of the accepted ones."""

    received: int
    accepted: int
    unauthorized: int
    not_found: int
    refused: int
    coalesced: int
    delivered: int
    dropped: int
    pending: int
    to_inform_ms: Percentiles
    to_informresponse_ms: Percentiles
    to_session_end_ms: Percentiles


class ConnectionRequestsSection(WaySection):
    """Connection Requests of all ways."""

    refused_ratio: float | None
    dropped_ratio: float | None
    books_balance: bool
    to_inform_cdf: Sequence[Sequence[float]]
    by_way: Mapping[str, WaySection]
    """By ``Way``, those that requests came by."""


class EventsSection(TypedDict):
    """Events raised, and what became of them."""

    raised: int
    delivered: int
    pending: int
    discarded: Mapping[str, int]
    books_balance: bool


class WayTasksSection(TypedDict):
    """Tasks to CPEs that report one way (``Way``), but for those that the run's end cut."""

    posted: int
    done: int
    queued: int
    failed: int
    latency_ms: Percentiles
    reasons: Mapping[str, int]


class TasksSection(TypedDict):
    """Tasks of the driver and of scenarios by outcome (``TaskOutcome``)."""

    posted: int
    done: int
    queued: int
    offline: int
    credentials_refused: int
    faulted: int
    unexpected_status: int
    api_error: int
    device_down: int
    unreachable: int
    cut: int
    failed: int
    """The sum of ``task_outcomes.FAILED``."""
    not_posted: int
    done_ratio: float | None
    failed_ratio: float | None
    latency_ms: Percentiles
    reasons: Mapping[str, int]
    by_way: Mapping[str, WayTasksSection]


class TransfersSection(TypedDict):
    """Transfers by outcome, and the bytes of real ones."""

    requested: int
    succeeded: int
    failed: int
    cancelled: int
    dropped: int
    pending: int
    retried: int
    bytes_received: int
    bytes_sent: int
    failed_ratio: float | None
    faults: Mapping[str, int]
    reasons: Mapping[str, int]


class ExchangeSection(TypedDict):
    """POSTs with one kind of message."""

    count: int
    failed: int
    failed_ratio: float | None
    ms: Percentiles


class RecordingsSection(TypedDict):
    """Sessions that ``--record`` has kept, or could not keep."""

    sampled: int
    failed: int
    left_out: int
    unwritten: int


class XMPPSection(TypedDict):
    """
    Connections of CPEs to XMPP servers: logins tried, and those that have succeeded (bound).

    Of the bound ones some were lost, and others closed by the fleet itself. ``failed`` has the
    reasons of logins that failed and connections that were lost.
    """

    cpes: int
    """CPEs that were to be connected at the end."""
    not_connected: Mapping[str, int]
    """Those of them that were not, by reason."""
    logins: int
    bound: int
    lost: int
    closed: int
    keep_alives: int
    stanzas: int
    answered: int
    failed: Mapping[str, int]


class TLSSection(TypedDict):
    """Handshakes of CPEs that may resume a TLS session."""

    full: int
    resumed: int
    resumed_ratio: float | None
    lost: int


class ExportSection(TypedDict):
    """Rows of sessions that ``--export`` has written, and those that are lost."""

    rows: int
    unwritten: int


class StateSection(TypedDict):
    """The state of CPEs that ``--state`` has kept, and what this run has taken up of it."""

    kept: int
    """CPEs in the file."""
    taken_up: int
    """CPEs that were powered on with what they had before."""
    unreadable: int
    """CPEs that started from the factory, as what the file has of them can't be read."""
    outdated: int
    """Records of CPEs that their worker had lost to another one."""
    unwritten: int
    """CPEs whose last state is not in the file."""


class STUNSection(TypedDict):
    """The Binding Requests of CPEs behind NAT, their bindings, and the datagrams that came."""

    cpes: int
    """CPEs that used STUN at the end."""
    unanswered: Mapping[str, int]
    """Those of them whose last Binding Request failed, by reason."""
    sent: int
    answered: int
    silent: int
    dropped: int
    waiting: int
    errors: Mapping[str, int]
    unsent: Mapping[str, int]
    found: int
    changed: int
    rebound: int
    late: int
    malformed: int
    duplicates: int
    lost_requests: int


class EngineSection(TypedDict):
    """Sessions that the I/O engine carried, and those that greenlets ran, by reason."""

    carried: int
    handed_over: Mapping[str, int]
    by_greenlet: Mapping[str, int]


class AddressesSection(TypedDict):
    """Addresses of hosts that failed where another one of the host did not, and why they did."""

    passed_over: int
    reasons: Mapping[str, int]


class CPUSection(TypedDict):
    """Percent of one core by worker."""

    mean: Mapping[str, float]
    max: Mapping[str, float]


class ErrorSection(TypedDict):
    """By how much the run's times may be off: a ratio, and milliseconds that it has added."""

    relative: float
    p50_ms: float | None
    p99_ms: float | None


class GeneratorSection(TypedDict):
    """How the generator itself did."""

    lateness_ms: Percentiles
    place_wait_ms: Percentiles
    loop_lag_ms: Percentiles
    cpu_ms_per_session: float | None
    cpu_percent: CPUSection
    rss_mb: Mapping[str, float]
    error: ErrorSection


class LevelVerdict(TypedDict):
    """A service level with what was measured (None: no data)."""

    level: str
    actual: float | None
    outcome: str
    """Of ``RunOutcome``: held, broken or not shown."""
    broken_at: NotRequired[float]
    """Seconds of the run from which on it was broken, as far as was seen."""


class Ground(TypedDict):
    """Something that a run was judged by and that did not hold."""

    name: str
    outcome: str
    text: str


class VerdictSection(TypedDict):
    """
    What the run has shown.

    ``outcome`` is of ``RunOutcome``, ``finding`` is one sentence, and ``grounds`` are what kept the
    run from having held.
    """

    outcome: str
    exit_code: int
    finding: str
    grounds: Sequence[Ground]


class CriterionSection(TypedDict):
    """A scenario's criterion: its outcome (of ``RunOutcome``), and one sentence."""

    scenario: str
    outcome: str
    finding: str
    is_search: NotRequired[bool]
    """Of a search, which overloads the ACS on purpose."""


class ScenarioSection(TypedDict):
    """What was played, and what came of it."""

    name: str
    kpis: Mapping[str, float | None]
    findings: Sequence[str]
    criteria: NotRequired[Sequence[CriterionSection]]
    curves: Mapping[str, Sequence[Sequence[float]]]
    marks: Sequence[Mark]


class Summary(TypedDict):
    """
    The summary of a run.

    What every list of snapshots gives is always there; the rest only the master of a run knows.
    """

    fleet: FleetSection
    informs: InformsSection
    sessions: SessionsSection
    connection_requests: ConnectionRequestsSection
    events: EventsSection
    tasks: TasksSection
    transfers: TransfersSection
    exchanges: Mapping[str, ExchangeSection]
    addresses: AddressesSection
    engine: EngineSection
    stun: STUNSection
    recordings: RecordingsSection
    xmpp: XMPPSection
    tls: TLSSection
    export: ExportSection
    state: StateSection
    generator: GeneratorSection
    cures: Mapping[str, str]
    """What helps against each reason of the run, by reason."""
    seconds: float
    warm_up_s: float
    timeline: NotRequired[TimelineColumns]
    settings: NotRequired[Mapping[str, object]]
    version: NotRequired[str]
    started: NotRequired[str]
    command: NotRequired[str]
    embedded_acs: NotRequired[bool]
    scenario: NotRequired[ScenarioSection]
    other_failures: NotRequired[Sequence[str]]
    unwritten: NotRequired[Sequence[str]]
    """Files of results that could not be written, each with the reason and the cure."""
    service_levels: NotRequired[Sequence[LevelVerdict]]
    interrupted: NotRequired[bool]
    """Whether the run ended before the ``--run-time`` that was stated."""
    users_not_started: NotRequired[int]
    """Locust's users that were still to be started when the run ended."""
    workers_refused: NotRequired[Sequence[str]]
    router_ended: NotRequired[int]
    """How often the router that the run had started ended before the run did."""
    verdict: NotRequired[VerdictSection]
    not_known: NotRequired[Sequence[str]]
    """Only of a file of an older build: what it lacks, by dotted paths; the values are empty."""

"""What records come to when each is counted by itself: the reference of the batches."""

from __future__ import annotations

from hypothesis import strategies as st

from caretaker.cwmp.outcome import Outcome
from caretaker.errors import Blame
from caretaker.stats.records import ExchangeRecord, SessionRecord, path_of
from caretaker.stats.results import Results
from caretaker.stats.timeline import Timeline
from caretaker.way import Way

CODES = st.sampled_from(
    [(), ("2 PERIODIC",), ("0 BOOTSTRAP", "1 BOOT"), ("6 CONNECTION REQUEST",), ("1 BOOT", "M X")]
)
TIMES = st.one_of(st.floats(0, 3), st.floats(0, 1e-5), st.floats(0, 900), st.just(0.0))
REASONS = st.sampled_from([None, "no answer in time", "HTTP 500"])


@st.composite
def session_records(draw: st.DrawFn) -> SessionRecord:
    """A session, also one that can't be: with an InformResponse but without an Inform."""
    planned = draw(TIMES)
    started = planned + draw(TIMES)
    accepted = draw(st.one_of(st.none(), st.just(planned)))
    return SessionRecord(
        draw(CODES), planned, started, draw(TIMES), draw(st.sampled_from(Outcome)), draw(REASONS),
        draw(st.one_of(st.none(), st.sampled_from(Blame))), accepted, draw(st.sampled_from(Way)),
        draw(st.one_of(st.none(), TIMES.map(started.__add__))),
        draw(st.one_of(st.none(), TIMES.map(started.__add__))), draw(TIMES), draw(TIMES),
        draw(st.booleans()),
    )  # fmt: skip


exchange_records = st.builds(
    ExchangeRecord,
    st.sampled_from(["Inform", "(empty)", "GetParameterValuesResponse"]),
    TIMES,
    TIMES,
    st.integers(0, 9999),
    st.integers(0, 9999),
    REASONS,
)


def count_exchange(results: Results, record: ExchangeRecord) -> None:
    """Count an exchange."""
    results.time(f"exchanges.{record.name}", record.seconds)
    if record.reason is not None:
        results.count(f"exchanges.failed.{record.name}")


def count_session(results: Results, record: SessionRecord) -> None:
    """Count a session."""
    results.count("sessions.started")
    results.count(f"sessions.{record.outcome.value}")
    results.time("generator.lateness", record.lateness)
    results.time("generator.place_wait", record.place_wait)
    if record.reason is not None:
        results.count(f"sessions.reasons.{record.reason}")
        if record.blame is not None:
            results.count(f"sessions.blame.{record.blame.value}")
            results.count(f"sessions.failures.{record.blame.value}.{record.reason}")
    ended = record.started + record.seconds
    if record.outcome is Outcome.SUCCEEDED:
        results.time("sessions.duration", record.seconds)
        if record.events[:1] == ("0 BOOTSTRAP",):
            results.time("sessions.first_contact", max(0.0, ended - record.planned))
    if record.inform_sent is not None:
        results.count("informs.total")
        for code in record.events:
            results.count(f"informs.by_event.{code}")
    if record.informed is not None:
        results.time("informs.from_plan", max(0.0, record.informed - record.planned))
    if record.accepted is not None:
        _time_loop(results, record, record.accepted)


def _time_loop(results: Results, record: SessionRecord, accepted: float) -> None:
    ended = record.started + record.seconds if record.outcome is Outcome.SUCCEEDED else None
    stages = {
        "to_inform": record.inform_sent,
        "to_informresponse": record.informed,
        "to_session_end": ended,
    }
    for name, at in stages.items():
        if at is not None:
            results.time(f"connection_requests.{name}", at - accepted)
            results.time(f"{path_of(record.way)}.{name}", at - accepted)


def put_session(timeline: Timeline, record: SessionRecord) -> None:
    """Count a session in its points."""
    point = timeline._at(record.started + record.seconds)
    if record.outcome is Outcome.SUCCEEDED:
        point.sessions_succeeded += 1
        point.sessions.add(record.seconds)
    elif record.outcome is Outcome.ABANDONED:
        point.sessions_abandoned += 1
    elif record.blame is Blame.SHED:
        point.sessions_shed += 1
    else:
        point.sessions_failed += 1
        name = f"failed_{(record.blame or Blame.OURS).value}"
        setattr(point, name, getattr(point, name) + 1)
    if record.informed is not None:
        point.from_plan.add(record.informed - record.planned)
        point.crs_delivered += record.accepted is not None
    if record.inform_sent is not None:
        if record.accepted is not None:
            point.to_inform.add(record.inform_sent - record.accepted)
        if not record.on_timeline:
            timeline._at(record.inform_sent).informs += 1

"""
The figures of a run for Prometheus: the table ``METRICS``, over what the Fleet page shows, too.

Counters begin anew with each run, which Prometheus takes for a restart, as it should. Histograms
have the buckets of ``BUCKETS``; docs/metrics.md tells what each metric means. What is a part of
something else has a metric of its own, so that the sum over a label counts nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from caretaker.http.gevent_loop import Loop
from caretaker.http.server import WSGIHost
from caretaker.reporting.outcomes import RunOutcome
from caretaker.stats.histogram import Histogram
from caretaker.stats.records import LOOP_TIMES, VERDICTS, path_of
from caretaker.stats.task_outcomes import POSTED, TaskOutcome
from caretaker.swarm.web.run_state import RunState, WorkerState
from caretaker.swarm.worker_reports import WINDOW_SECONDS
from caretaker.way import Way

BUCKETS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
"""Upper bounds of the buckets of all histograms, in seconds."""

Labels = tuple[str, ...]
Samples = Iterable[tuple[Labels, Any]]


class Figure(NamedTuple):
    """
    One row of ``METRICS``.

    Args:
        kind: counter, gauge or histogram: a key of ``_KINDS``.
        help: what it means.
        labels: the names of its labels.
        samples: their values, with a number or a ``Histogram`` each.
    """

    kind: str
    help: str
    labels: Labels
    samples: Callable[[RunState], Samples]


def _one(value: Callable[[RunState], float]) -> Callable[[RunState], Samples]:
    """A metric without labels."""
    return lambda run_state: [((), value(run_state))]


def _counted(
    section: Literal["sessions", "connection_requests", "tasks", "transfers", "stun", "xmpp"],
    *names: str,
) -> Callable[[RunState], Samples]:
    """Counts of a section of the summary, each with its name for a label."""

    def samples(run_state: RunState) -> Samples:
        counts: Mapping[str, object] = run_state.summary[section]
        return [((name,), counts[name]) for name in names]

    return samples


def _below(prefix: str) -> Callable[[RunState], Samples]:
    """Counters below a path, each with the rest of its name for a label."""
    return lambda run_state: [
        ((name,), number) for name, number in run_state.results.with_prefix(prefix).items()
    ]


def _discarded(run_state: RunState) -> Samples:
    for name, number in run_state.results.with_prefix("events.discarded").items():
        rule, _, event = name.partition(".")
        yield (event, rule), number


def _timed(name: str) -> Callable[[RunState], Samples]:
    return lambda run_state: [((), run_state.results.histogram(name))]


def _by_way(*names: str) -> Callable[[RunState], Samples]:
    """Counts of the Connection Requests of each way that had some, by way and name."""

    def samples(run_state: RunState) -> Samples:
        ways: Mapping[str, Mapping[str, Any]] = run_state.summary["connection_requests"]["by_way"]
        return [((way, name), counts[name]) for way, counts in ways.items() for name in names]

    return samples


def _timed_by_way(name: str) -> Callable[[RunState], Samples]:
    def samples(run_state: RunState) -> Samples:
        for way in run_state.summary["connection_requests"]["by_way"]:
            times = run_state.results.histograms_with_prefix(path_of(Way(way)))
            yield (way,), times.get(name, Histogram())

    return samples


def _stun_outcomes(run_state: RunState) -> Samples:
    yield from _counted("stun", "answered", "silent", "dropped")(run_state)
    yield ("error",), sum(run_state.summary["stun"]["errors"].values())


def _exchanges(run_state: RunState) -> Samples:
    for name in run_state.summary["exchanges"]:
        yield (name,), run_state.results.histogram(f"exchanges.{name}")


def _by_worker(value: Callable[[WorkerState], float]) -> Callable[[RunState], Samples]:
    return lambda run_state: [
        ((str(worker["worker"]),), value(worker)) for worker in run_state.workers
    ]


def _words(name: str) -> str:
    """A name of ``LOOP_TIMES`` in words."""
    return f"{name.replace('_', ' ')} of its session"


# fmt: off
METRICS: dict[str, Figure] = {
    "caretaker_run": Figure("gauge", "Number of the run", (), _one(lambda s: s.run)),
    "caretaker_running": Figure("gauge", "1 while a run goes on", (), _one(lambda s: s.running)),
    "caretaker_run_seconds": Figure(
        "gauge", "How long the run takes so far", (), _one(lambda s: s.seconds)),
    "caretaker_cpes": Figure(
        "gauge", "CPEs by what they do; retrying is the backlog of retries", ("state",),
        lambda s: [((state,), number) for state, number in s.cpes.items()]),
    "caretaker_sessions_started": Figure(
        "counter", "CWMP sessions begun", (), _one(lambda s: s.summary["sessions"]["started"])),
    "caretaker_sessions": Figure(
        "counter", "CWMP sessions that ended, by outcome", ("outcome",),
        _counted("sessions", "succeeded", "failed", "shed", "abandoned")),
    "caretaker_session_failures": Figure(
        "counter", "Sessions that failed or were shed, by whose fault it is", ("blame",),
        _below("sessions.blame")),
    "caretaker_session_seconds": Figure(
        "histogram", "Duration of sessions that succeeded", (), _timed("sessions.duration")),
    "caretaker_informs_planned": Figure(
        "counter", "Due times of Informs that have come", (),
        _one(lambda s: s.summary["informs"]["planned"])),
    "caretaker_informs": Figure(
        "counter", "Informs written", (), _one(lambda s: s.summary["informs"]["total"])),
    "caretaker_informs_by_event": Figure(
        "counter", "Informs that told an event; one with two events is in both", ("event",),
        _below("informs.by_event")),
    "caretaker_inform_from_plan_seconds": Figure(
        "histogram", "From the planned time of an Inform to its InformResponse", (),
        _timed("informs.from_plan")),
    "caretaker_connection_requests_received": Figure(
        "counter", "Connection Requests received", (),
        _one(lambda s: s.summary["connection_requests"]["received"])),
    "caretaker_connection_requests": Figure(
        "counter", "Connection Requests by what was answered", ("verdict",),
        _counted("connection_requests", *VERDICTS)),
    "caretaker_connection_requests_ended": Figure(
        "counter", "Accepted Connection Requests by what became of them", ("end",),
        _counted("connection_requests", "delivered", "coalesced", "dropped")),
    "caretaker_connection_requests_pending": Figure(
        "gauge", "Accepted Connection Requests that no Inform has told yet", (),
        _one(lambda s: s.summary["connection_requests"]["pending"])),
    "caretaker_connection_request_books_balance": Figure(
        "gauge", "1 while accepted = delivered + coalesced + pending + dropped", (),
        _one(lambda s: s.summary["connection_requests"]["books_balance"])),
    **{f"caretaker_connection_request_{name}_seconds": Figure(
        "histogram", f"From the accepted Connection Request {_words(name)}", (),
        _timed(f"connection_requests.{name}")) for name in LOOP_TIMES},
    "caretaker_connection_request_answer_seconds": Figure(
        "histogram", "Until a Connection Request was answered", (),
        _timed("connection_requests.answer")),
    "caretaker_connection_requests_by_way": Figure(
        "counter", "Connection Requests by the way that they came by and what was answered",
        ("way", "verdict"), _by_way(*VERDICTS)),
    "caretaker_connection_requests_by_way_ended": Figure(
        "counter", "Accepted Connection Requests by their way and what became of them",
        ("way", "end"), _by_way("delivered", "coalesced", "dropped")),
    **{f"caretaker_connection_request_by_way_{name}_seconds": Figure(
        "histogram", f"From the accepted Connection Request {_words(name)}, by way", ("way",),
        _timed_by_way(name)) for name in LOOP_TIMES},
    "caretaker_stun_requests_sent": Figure(
        "counter", "STUN Binding Requests of CPEs", (), _one(lambda s: s.summary["stun"]["sent"])),
    "caretaker_stun_requests": Figure(
        "counter", "STUN Binding Requests that ended, by what became of them", ("outcome",),
        _stun_outcomes),
    "caretaker_nat_bindings": Figure(
        "counter", "NAT bindings that CPEs have found, or found to be others later", ("event",),
        _counted("stun", "found", "changed")),
    "caretaker_nat_bindings_rebound": Figure(
        "counter", "NAT bindings that a NAT forgot or a scenario changed", (),
        _one(lambda s: s.summary["stun"]["rebound"])),
    "caretaker_xmpp_logins": Figure(
        "counter", "Logins of CPEs at XMPP servers that were tried", (),
        _one(lambda s: s.summary["xmpp"]["logins"])),
    "caretaker_xmpp_connections": Figure(
        "counter", "XMPP connections of CPEs: logins that have succeeded", (),
        _one(lambda s: s.summary["xmpp"]["bound"])),
    "caretaker_xmpp_connections_ended": Figure(
        "counter", "XMPP connections of CPEs that are over, by who ended them", ("end",),
        _counted("xmpp", "lost", "closed")),
    "caretaker_events_raised": Figure(
        "counter", "Events raised", ("event",), _below("events.raised")),
    "caretaker_events_delivered": Figure(
        "counter", "Events that the ACS has taken", ("event",), _below("events.delivered")),
    "caretaker_events_discarded": Figure(
        "counter", "Events discarded by a rule of the standard", ("event", "rule"), _discarded),
    "caretaker_exchange_seconds": Figure(
        "histogram", "Each POST of a session, by its message", ("message",), _exchanges),
    "caretaker_exchanges_failed": Figure(
        "counter", "POSTs that failed, by their message", ("message",),
        _below("exchanges.failed")),
    "caretaker_tasks_posted": Figure(
        "counter", "Tasks of the driver and of scenarios", (),
        _one(lambda s: s.summary["tasks"]["posted"])),
    "caretaker_tasks": Figure(
        "counter", "Tasks that ended, by outcome", ("outcome",),
        _counted("tasks", *(outcome for outcome in POSTED if outcome is not TaskOutcome.CUT))),
    "caretaker_tasks_not_posted": Figure(
        "counter", "Tasks that a limit of the generator kept from being posted", (),
        _one(lambda s: s.summary["tasks"]["not_posted"])),
    "caretaker_task_seconds": Figure(
        "histogram", "From the planned time of a task until it was done", (),
        _timed("tasks.latency")),
    "caretaker_transfers_requested": Figure(
        "counter", "Transfers asked for", (), _one(lambda s: s.summary["transfers"]["requested"])),
    "caretaker_transfers": Figure(
        "counter", "Transfers by outcome", ("outcome",),
        _counted("transfers", "succeeded", "failed", "cancelled", "dropped")),
    "caretaker_transfer_bytes": Figure(
        "counter", "Bytes that real transfers moved", ("direction",),
        lambda s: [(("received",), s.summary["transfers"]["bytes_received"]),
                   (("sent",), s.summary["transfers"]["bytes_sent"])]),
    "caretaker_service_level_holds": Figure(
        "gauge", "1 while a service level is held", ("level",),
        lambda s: [((verdict["level"],), verdict["outcome"] == RunOutcome.HELD)
                   for verdict in s.summary["service_levels"]]),
    "caretaker_workers": Figure("gauge", "Workers that are there", (),
                                _one(lambda s: len(s.workers))),
    "caretaker_worker_cpes": Figure(
        "gauge", "CPEs of a worker", ("worker",), _by_worker(lambda worker: worker["cpes"])),
    "caretaker_worker_sessions": Figure(
        "gauge", "Sessions that a worker runs now", ("worker",),
        _by_worker(lambda worker: worker["states"].get("in_session", 0))),
    "caretaker_worker_cpu_ratio": Figure(
        "gauge", "CPU of a worker in the last second, as a share of one core", ("worker",),
        lambda s: [((str(worker["worker"]),), worker["cpu_now"] / 100)
                   for worker in s.workers if worker["cpu_now"] is not None]),
    "caretaker_worker_resident_memory_bytes": Figure(
        "gauge", "Memory of a worker", ("worker",),
        _by_worker(lambda worker: worker["rss_mb"] * 1e6)),
    "caretaker_worker_heard_timestamp_seconds": Figure(
        "gauge", "When a worker reported last, in seconds since 1970", ("worker",),
        _by_worker(lambda worker: worker["heard_at"])),
    "caretaker_generator_limited": Figure(
        "gauge", f"1 if the generator was the limit in the last {WINDOW_SECONDS:g} s", (),
        _one(lambda s: bool(s.limits))),
    "caretaker_lateness_seconds": Figure(
        "histogram", "How much later than planned sessions began", (),
        _timed("generator.lateness")),
    "caretaker_loop_lag_seconds": Figure(
        "histogram", "How much later than asked timers fired in the workers", (),
        _timed("generator.loop_lag")),
}
# fmt: on
"""Every metric by its name, without the ``_total`` that Prometheus gives to counters."""


def _add_number(family: Any, labels: Labels, value: float) -> None:
    family.add_metric(labels, float(value))


def _add_times(family: Any, labels: Labels, times: Histogram) -> None:
    counts = (*times.at_most(BUCKETS), times.count)
    bounds = (*(str(bound) for bound in BUCKETS), "+Inf")
    family.add_metric(labels, list(zip(bounds, counts, strict=True)), times.total)


_KINDS: dict[str, tuple[Callable[..., Metric], Callable[[Any, Labels, Any], None]]] = {
    "counter": (CounterMetricFamily, _add_number),
    "gauge": (GaugeMetricFamily, _add_number),
    "histogram": (HistogramMetricFamily, _add_times),
}
"""How a metric of each kind is made, and takes a sample."""


class RunStateCollector(Collector):
    """
    Tells Prometheus how the run stands whenever it asks.

    Args:
        run_state: how the run stands now.
    """

    def __init__(self, run_state: Callable[[], RunState]) -> None:
        self._run_state = run_state

    def describe(self) -> Iterable[Metric]:
        """Nothing: there are no samples before someone asks."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All metrics of the present state of the run."""
        run_state = self._run_state()
        for name, figure in METRICS.items():
            make, add = _KINDS[figure.kind]
            family = make(name, figure.help, labels=figure.labels)
            for labels, value in figure.samples(run_state):
                add(family, labels, value)
            yield family


def metrics_app(run_state: Callable[[], RunState]) -> Callable[..., Any]:
    """The WSGI application that serves the metrics, in the format that is asked for."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(RunStateCollector(run_state))
    return make_wsgi_app(registry)


def serve_metrics(host: str, port: int, app: Callable[..., Any], loop: Loop) -> WSGIHost:
    """
    Serve them at an address of their own (``--metrics-port``), in a loop that has started.

    Raises:
        InputError: the address can't be bound.
    """
    server = WSGIHost(app, host, port, loop)
    server.start()
    return server

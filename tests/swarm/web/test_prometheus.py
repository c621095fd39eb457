"""What Prometheus is told."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import requests
from helpers.run_states import master, snapshot
from helpers.summaries import results
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import Client

from caretaker.errors import InputError
from caretaker.http.gevent_loop import Loop
from caretaker.swarm.master import Master
from caretaker.swarm.web.prometheus import BUCKETS, METRICS, metrics_app, serve_metrics
from caretaker.swarm.web.run_state import RunStates


def told(run: Master) -> dict[str, float]:
    """All samples by name and labels, as they stand in the text."""
    text = Client(metrics_app(RunStates(run).now)).get("/metrics").text
    return {
        sample.name
        + "".join(f" {value}" for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def run() -> Master:
    made = master(slos=["sessions.failed < 1"])
    made.begin()
    made.run.reports.take("one", snapshot(made=results(failed=2)))
    made.run.reports.take("two", snapshot(worker=1))
    return made


def test_the_figures_are_those_of_the_summary(run: Master) -> None:
    found = told(run)
    summary = RunStates(run).now().summary
    assert found["caretaker_running"] == 1
    assert found["caretaker_cpes retrying"] == 2
    assert found["caretaker_sessions_total succeeded"] == summary["sessions"]["succeeded"] == 200
    assert found["caretaker_session_failures_total acs"] == 2
    assert found["caretaker_connection_requests_total accepted"] == 202
    assert found["caretaker_connection_requests_ended_total delivered"] == 202
    assert found["caretaker_events_delivered_total 6 CONNECTION REQUEST"] == 202
    assert found["caretaker_service_level_holds sessions.failed < 1"] == 0
    assert found["caretaker_worker_cpu_ratio 1"] == pytest.approx(0.45)


def test_histograms_count_up_to_all(run: Master) -> None:
    found = told(run)
    name = "caretaker_connection_request_to_inform_seconds"
    counts = [found[f"{name}_bucket {bound}"] for bound in BUCKETS]
    assert counts == sorted(counts)
    assert counts[-1] == found[f"{name}_bucket +Inf"] == 202
    assert found[f"{name}_sum"] == pytest.approx(0.202)


def test_connection_requests_are_told_by_way(run: Master) -> None:
    found = told(run)
    ways = RunStates(run).now().summary["connection_requests"]["by_way"]
    assert ways
    for way, counts in ways.items():
        name = "caretaker_connection_requests_by_way"
        assert found[f"{name}_total accepted {way}"] == counts["accepted"]
        assert found[f"{name}_ended_total delivered {way}"] == counts["delivered"]


def test_the_sum_over_a_label_counts_nothing_twice(run: Master) -> None:
    stun = {"sent": 10, "answered": 4, "silent": 2, "dropped": 1, "errors__401": 2, "waiting": 1}
    xmpp = {"logins": 9, "bound": 7, "lost": 2, "closed": 1}
    counts = {f"stun__{name}": number for name, number in stun.items()}
    counts |= {f"xmpp__{name}": number for name, number in xmpp.items()}
    run.run.reports.take("three", snapshot(worker=2, made=results(**counts)))
    found = told(run)

    def sum_of(name: str) -> float:
        return sum(value for sample, value in found.items() if sample.split()[0] == name)

    assert sum_of("caretaker_stun_requests_sent_total") == 10
    assert sum_of("caretaker_stun_requests_total") == 10 - 1
    assert found["caretaker_stun_requests_total error"] == 2
    assert sum_of("caretaker_xmpp_logins_total") == 9
    assert sum_of("caretaker_xmpp_connections_total") == 7
    assert sum_of("caretaker_xmpp_connections_ended_total") == 3
    summary = RunStates(run).now().summary
    requests, tasks = summary["connection_requests"], summary["tasks"]
    assert sum_of("caretaker_connection_requests_total") == requests["received"]
    assert sum_of("caretaker_tasks_total") == tasks["posted"]


def test_there_are_metrics_before_a_run() -> None:
    assert told(master())["caretaker_run"] == 0


def test_every_metric_is_told_and_documented(run: Master, root: Path) -> None:
    text = Client(metrics_app(RunStates(run).now)).get("/metrics").text
    documented = re.findall(r"`(caretaker_\w+)`", (root / "docs/metrics.md").read_text())
    names = {f"{name}_total" if each.kind == "counter" else name for name, each in METRICS.items()}
    assert set(documented) == names
    for name in names:
        assert f"# TYPE {name} " in text


def test_the_dashboard_asks_for_metrics_that_exist(root: Path) -> None:
    dashboard = json.loads((root / "docs/grafana.json").read_text())
    names = {
        name
        if each.kind == "gauge"
        else f"{name}_{'bucket' if each.kind == 'histogram' else 'total'}"
        for name, each in METRICS.items()
    }
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    for expression in asked:
        found = set(re.findall(r"caretaker_\w+", expression))
        assert found
        assert found <= names, expression
    assert "datasource" in [each["name"] for each in dashboard["templating"]["list"]]
    assert "${datasource}" in {panel["datasource"]["uid"] for panel in dashboard["panels"]}


@pytest.mark.sockets
def test_a_port_of_their_own(run: Master) -> None:
    loop = Loop()
    loop.start()
    app = metrics_app(RunStates(run).now)
    server = serve_metrics("127.0.0.1", 0, app, loop)
    try:
        assert "caretaker_run 1.0" in requests.get(f"{server.url}/metrics", timeout=60).text
        with pytest.raises(InputError, match=rf"{server.port}: .*in use"):
            serve_metrics("127.0.0.1", server.port, app, loop)
    finally:
        server.stop()
        loop.stop()


def test_the_text_is_what_prometheus_asks_for(run: Master) -> None:
    client = Client(metrics_app(RunStates(run).now))
    plain = client.get("/metrics")
    assert plain.headers["Content-Type"].startswith("text/plain")
    modern = client.get(
        "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}
    )
    assert modern.headers["Content-Type"].startswith("application/openmetrics-text")

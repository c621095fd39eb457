"""Diagnostics: the rules of DiagnosticsState, and that results fit their inputs and each other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import inf
from pathlib import Path

import pytest
from helpers.cpes import NO_PERIODS, ask, codes, context, cpe, read_profile, run
from hypothesis import given, settings
from hypothesis import strategies as st

from caretaker.cwmp import messages as m
from caretaker.cwmp.outcome import Outcome
from caretaker.device import diagnostics as diag
from caretaker.device import measurements
from caretaker.device.cpe import CPE
from caretaker.profiles import load_profile
from caretaker.profiles.profile import BUILT_IN, Profile
from caretaker.testing import ScriptedACS

EIGHT = "8 DIAGNOSTICS COMPLETE"
PING = "Device.IP.Diagnostics.IPPing."
ROUTE = "Device.IP.Diagnostics.TraceRoute."
PINGS = [PING, "InternetGatewayDevice.IPPingDiagnostics."]
ROUTES = [ROUTE, "InternetGatewayDevice.TraceRouteDiagnostics."]
DOWNLOADS = [place for place in diag.DIAGNOSTICS if "Download" in place]
UPLOADS = [place for place in diag.DIAGNOSTICS if "Upload" in place]
LOOKUPS = [place for place in diag.DIAGNOSTICS if "NSLookup" in place]
NEIGHBORS = "Device.WiFi.NeighboringWiFiDiagnostic."

GOOD = {
    "Host": "host.example",
    "HostName": "host.example",
    "DownloadURL": "http://host.example/file",
    "UploadURL": "ftp://host.example/file",
    "TestFileLength": "5000000",
}
"""What a run needs, whatever its kind."""


def box_of(place: str, profile: Profile | None = None) -> CPE:
    """A CPE that has this object, after its first session."""
    name = "tr181" if place.startswith("Device.") else "tr098"
    box = cpe(name, behaviors=NO_PERIODS)
    if profile is not None:
        box = CPE(0, profile, context(behaviors=NO_PERIODS))
        box.power_on(0.0)
    run(box, 0.0)
    return box


def sets(place: str, **values: object) -> m.SetParameterValues:
    structs = [
        m.ParameterValueStruct(f"{place}{name}", str(each), "") for name, each in values.items()
    ]
    return m.SetParameterValues(tuple(structs))


def requests(place: str, box: CPE, **inputs: object) -> m.SetParameterValues:
    """Inputs and Requested in one; of the good ones those that this object has."""
    has = {name: value for name, value in GOOD.items() if box.parameter(f"{place}{name}")}
    return sets(place, **{**has, **inputs}, DiagnosticsState="Requested")


def session(box: CPE, now: float, *asked: m.Request) -> ScriptedACS:
    box.connection_request(now)
    return run(box, now, *asked)


def finish(box: CPE) -> ScriptedACS:
    """The session after a run."""
    assert box.begin_session(box.due) is None, "the run begins first"
    return run(box, box.due)


def shown(box: CPE, place: str) -> dict[str, str]:
    """All parameters below an object, by their names in it."""
    response = ask(box, m.GetParameterValues((place,)))
    assert isinstance(response, m.GetParameterValuesResponse)
    return {each.name.removeprefix(place): each.value for each in response.parameter_list}


def table(found: dict[str, str], name: str) -> list[dict[str, str]]:
    """The rows of a table, which must be numbered from 1 and as many as NumberOfEntries says."""
    rows: dict[str, dict[str, str]] = {}
    for path, value in found.items():
        if path.startswith(f"{name}."):
            _, number, last = path.split(".")
            rows.setdefault(number, {})[last] = value
    assert list(rows) == [str(number) for number in range(1, len(rows) + 1)]
    assert found[f"{name}NumberOfEntries"] == str(len(rows))
    return list(rows.values())


def diagnosed(place: str, **inputs: object) -> dict[str, str]:
    """What an object shows after a run."""
    box = box_of(place)
    session(box, 100.0, requests(place, box, **inputs))
    assert EIGHT in finish(box).events
    return shown(box, place)


class TestState:
    @pytest.mark.rule("4.2-10", "10-11", "10-12")
    @pytest.mark.parametrize("place", diag.DIAGNOSTICS)
    def test_a_run_follows_the_session_and_is_told_in_one_of_its_own(self, place: str) -> None:
        box = box_of(place)
        assert session(box, 100.0, requests(place, box)).responses == [
            m.SetParameterValuesResponse(0)
        ]
        assert shown(box, place)["DiagnosticsState"] == "Requested"
        assert box.begin_session(box.due) is None
        assert 100.0 < box.due < 100.0 + measurements.LONGEST
        assert shown(box, place)["DiagnosticsState"] == "Requested"
        assert run(box, box.due).events == [EIGHT]
        word = "Completed" if place in (*DOWNLOADS, *UPLOADS) else "Complete"
        assert shown(box, place)["DiagnosticsState"] == word
        assert (box.due, box.jobs, box.pending) == (inf, (), ())

    @pytest.mark.rule("10-13")
    @pytest.mark.parametrize("place", diag.DIAGNOSTICS)
    @pytest.mark.parametrize("value", ["None", "Complete", "Completed", "Error_Other", "", "1"])
    def test_the_acs_can_only_request_and_cancel(self, place: str, value: str) -> None:
        box = box_of(place)
        fault = ask(box, sets(place, DiagnosticsState=value))
        assert isinstance(fault, m.Fault)
        assert [each.fault_code for each in fault.set_parameter_values_fault] == [9007]
        assert box.value(f"{place}DiagnosticsState", 0.0) == "None"

    @pytest.mark.rule("10-13")
    @pytest.mark.parametrize("place", diag.DIAGNOSTICS)
    def test_canceled_ends_a_run_without_an_event(self, place: str) -> None:
        box = box_of(place)
        session(box, 100.0, requests(place, box))
        session(box, 100.0, sets(place, DiagnosticsState="Canceled"))
        assert shown(box, place)["DiagnosticsState"] == "None"
        assert (box.due, box.pending) == (inf, ())

    @pytest.mark.parametrize("place", PINGS)
    def test_canceled_ends_a_run_that_has_begun(self, place: str) -> None:
        box = box_of(place)
        session(box, 100.0, requests(place, box))
        assert box.begin_session(box.due) is None
        session(box, 100.5, sets(place, DiagnosticsState="Canceled"))
        assert (box.due, box.jobs) == (inf, ())

    @pytest.mark.rule("10-14")
    @pytest.mark.parametrize("place", PINGS)
    def test_an_input_ends_a_run(self, place: str) -> None:
        box = box_of(place)
        session(box, 100.0, requests(place, box))
        session(box, 100.0, sets(place, Timeout=2000))
        assert shown(box, place)["DiagnosticsState"] == "None"
        assert box.due == inf

    @pytest.mark.rule("10-14")
    @pytest.mark.parametrize("place", ROUTES)
    def test_an_input_takes_the_results_away(self, place: str) -> None:
        box = box_of(place)
        before = shown(box, place)
        session(box, 100.0, requests(place, box))
        finish(box)
        assert table(shown(box, place), "RouteHops")
        session(box, 200.0, sets(place, Host="other.example"))
        assert shown(box, place) == {**before, "Host": "other.example"}

    @pytest.mark.parametrize("place", PINGS)
    def test_requested_once_more_begins_anew(self, place: str) -> None:
        box = box_of(place)
        session(box, 100.0, requests(place, box, NumberOfRepetitions=600))
        assert box.begin_session(box.due) is None
        session(box, 110.0, requests(place, box, NumberOfRepetitions=2))
        assert finish(box).events == [EIGHT]
        assert box.ended_at < 130.0
        found = shown(box, place)
        assert int(found["SuccessCount"]) + int(found["FailureCount"]) == 2
        assert box.due == inf

    def test_an_input_before_requested_in_the_same_session_counts(self) -> None:
        box = box_of(PING)
        inputs = sets(PING, Host="h.example", NumberOfRepetitions=7)
        session(box, 100.0, inputs, sets(PING, DiagnosticsState="Requested"))
        finish(box)
        found = shown(box, PING)
        assert int(found["SuccessCount"]) + int(found["FailureCount"]) == 7

    def test_an_input_after_requested_in_the_same_session_ends_it(self) -> None:
        box = box_of(PING)
        session(box, 100.0, requests(PING, box), sets(PING, Host="h.example"))
        assert (box.due, box.value(f"{PING}DiagnosticsState", 100.0)) == (inf, "None")

    def test_several_run_at_the_same_time(self) -> None:
        box = box_of(PING)
        session(box, 100.0, requests(PING, box), requests(ROUTE, box), requests(NEIGHBORS, box))
        told: list[str] = []
        while box.due < inf:
            at = box.due
            begun = box.begin_session(at)
            if begun is not None:
                told += [event.event_code for event in box.session_events]
                box.session_events = ()
                box.end_session(Outcome.SUCCEEDED, at)
        assert set(told) == {EIGHT}
        for place in (PING, ROUTE, NEIGHBORS):
            assert box.value(f"{place}DiagnosticsState", 300.0) == "Complete"

    def test_other_parameters_have_nothing_to_do_with_it(self) -> None:
        box = box_of(PING)
        ask(box, sets("Device.WiFi.SSID.1.", SSID="mine"))
        assert box.overlay is not None
        assert not any("Diagnostics" in path for path in box.overlay.values)


class TestWhatRemains:
    @pytest.mark.rule("10-15")
    @pytest.mark.parametrize("place", ROUTES)
    def test_results_stay_until_the_next_run(self, place: str) -> None:
        box = box_of(place)
        session(box, 100.0, requests(place, box))
        finish(box)
        first = shown(box, place)
        session(box, 5000.0)
        assert shown(box, place) == first
        session(box, 6000.0, requests(place, box))
        assert table(shown(box, place), "RouteHops") == []
        finish(box)
        assert table(shown(box, place), "RouteHops") != table(first, "RouteHops")

    @pytest.mark.rule("10-15")
    @pytest.mark.parametrize("place", diag.DIAGNOSTICS)
    def test_a_reboot_forgets_results_and_keeps_inputs(self, place: str) -> None:
        box = box_of(place)
        session(box, 100.0, requests(place, box))
        inputs = {name: box.value(f"{place}{name}", 100.0) for name in GOOD}
        finish(box)
        session(box, 9000.0, m.Reboot("key"))
        found = shown(box, place)
        assert found["DiagnosticsState"] == "None"
        factory = shown(box_of(place), place)
        assert found == {**factory, **{name: each for name, each in inputs.items() if each}}

    @pytest.mark.parametrize("place", PINGS)
    def test_a_reboot_ends_a_run(self, place: str) -> None:
        box = box_of(place)
        session(box, 100.0, requests(place, box), m.Reboot(""))
        assert box.value(f"{place}DiagnosticsState", 100.0) == "None"
        assert run(box, 160.0).events == ["1 BOOT", "M Reboot"]
        assert box.due == inf

    def test_a_factory_reset_leaves_nothing(self) -> None:
        box = box_of(ROUTE)
        session(box, 100.0, requests(ROUTE, box))
        finish(box)
        session(box, 200.0, m.FactoryReset())
        assert (box.overlay, box.jobs) == (None, ())

    def test_another_acs_is_not_told(self) -> None:
        box = box_of(PING)
        url = sets("Device.ManagementServer.", URL="http://other/")
        session(box, 100.0, requests(PING, box), url)
        assert run(box, 100.0).events == ["0 BOOTSTRAP"]
        assert (box.due, box.value(f"{PING}DiagnosticsState", 100.0)) == (inf, "None")

    def test_no_diagnostic_leaves_no_trace(self) -> None:
        box = box_of(PING)
        diag.clear(box)
        diag.abort(box)
        session(box, 100.0, m.Reboot(""))
        assert (box.overlay, box.jobs) == (None, ())

    def test_a_watched_state_is_told_as_changed_too(self) -> None:
        box = box_of(PING)
        path = f"{PING}DiagnosticsState"
        watch = m.SetParameterAttributes((m.SetParameterAttributesStruct(path, True, 1, False),))
        session(box, 100.0, watch, requests(PING, box))
        inform = finish(box).last_inform
        assert codes(inform) == ["4 VALUE CHANGE", EIGHT]
        assert inform is not None
        assert (path, "Complete") in [each[:2] for each in inform.parameter_list]


@pytest.mark.rule("10-12")
class TestInputsThatCannotWork:
    @pytest.mark.parametrize("host", ["", "  ", "no name", "nowhere.invalid", "näh.example"])
    @pytest.mark.parametrize("place", [*PINGS, *ROUTES])
    def test_no_such_host(self, place: str, host: str) -> None:
        assert diagnosed(place, Host=host)["DiagnosticsState"] == "Error_CannotResolveHostName"

    @pytest.mark.parametrize("url", ["", "host.example", "gopher://h/", "http://", "http://[::1"])
    @pytest.mark.parametrize("place", [*DOWNLOADS, *UPLOADS])
    def test_no_such_server(self, place: str, url: str) -> None:
        name = "DownloadURL" if "Download" in place else "UploadURL"
        state = diagnosed(place, **{name: url})["DiagnosticsState"]
        assert state == "Error_InitConnectionFailed"

    @pytest.mark.parametrize("place", ROUTES)
    @pytest.mark.parametrize("inputs", [{"MaxHopCount": 1}, {"Timeout": 1}])
    def test_too_far(self, place: str, inputs: dict[str, int]) -> None:
        found = diagnosed(place, **inputs)
        assert found["DiagnosticsState"] == "Error_MaxHopCountExceeded"
        assert (found["ResponseTime"], table(found, "RouteHops")) == ("0", [])

    @pytest.mark.parametrize("place", LOOKUPS)
    def test_no_such_name_or_server(self, place: str) -> None:
        found = diagnosed(place, DNSServer="dns.invalid")
        assert found["DiagnosticsState"] == "Error_DNSServerNotResolved"
        found = diagnosed(place, HostName="nowhere.invalid", NumberOfRepetitions=2)
        assert (found["DiagnosticsState"], found["SuccessCount"]) == ("Error_Other", "0")
        status = [row["Status"] for row in table(found, "Result")]
        assert status == ["Error_HostNameNotResolved"] * 2

    def test_no_radio(self) -> None:
        profile = read_profile("deaf", f"Parameter,Writable,Value\n{NEIGHBORS}{_STATE}".encode())
        box = box_of(NEIGHBORS, profile)
        session(box, 100.0, requests(NEIGHBORS, box))
        finish(box)
        assert box.value(f"{NEIGHBORS}DiagnosticsState", 200.0) == "Error"


NUMBERS = st.integers(0, 2**32 - 1) | st.integers(0, 300)
HOSTS = st.sampled_from(["", "host.example", "192.0.2.9", "2001:db8::9", "x.invalid"]) | st.text(
    max_size=8
)
URLS = st.builds("{}://{}/".format, st.sampled_from(["http", "ftp", "x", ""]), HOSTS) | HOSTS
ONE_RUN = settings(max_examples=60)


class TestResults:
    @ONE_RUN
    @given(st.sampled_from(PINGS), HOSTS, NUMBERS, NUMBERS)
    def test_of_any_ping_fit(self, place: str, host: str, count: int, timeout: int) -> None:
        found = diagnosed(place, Host=host, NumberOfRepetitions=count, Timeout=timeout)
        good, bad = int(found["SuccessCount"]), int(found["FailureCount"])
        times = [int(found[f"{name}ResponseTime"]) for name in ("Minimum", "Average", "Maximum")]
        assert times == sorted(times)
        if found["DiagnosticsState"] == "Complete":
            assert good + bad == (count or 3)
            assert times[-1] <= (timeout or 1000)
            assert (times[0] > 0) == (good > 0)
        else:
            assert (good, bad, *times) == (0, 0, 0, 0, 0)

    @ONE_RUN
    @given(st.sampled_from(ROUTES), HOSTS, NUMBERS, NUMBERS, NUMBERS)
    def test_of_any_route_fit(
        self, place: str, host: str, tries: int, timeout: int, most: int
    ) -> None:
        found = diagnosed(place, Host=host, NumberOfTries=tries, Timeout=timeout, MaxHopCount=most)
        rows = table(found, "RouteHops")
        prefix = "" if place == ROUTE else "Hop"
        assert (found["DiagnosticsState"] == "Complete") == bool(rows)
        assert len(rows) <= (most or 30)
        for row in rows:
            assert list(row) == [f"{prefix}{name}" for name in measurements.HOPS]
            assert row[f"{prefix}Host"]
            assert len(row[f"{prefix}RTTimes"].split(",")) == min(tries or 3, 3)
        if rows:
            trips = [int(each) for each in rows[-1][f"{prefix}RTTimes"].split(",")]
            assert min(trips) <= int(found["ResponseTime"]) <= max(trips)
            assert rows[-1][f"{prefix}Host"] == host.strip()

    @ONE_RUN
    @given(st.sampled_from(DOWNLOADS), URLS)
    def test_of_any_download_fit(self, place: str, url: str) -> None:
        found = diagnosed(place, DownloadURL=url)
        dates, seconds = times_of(found)
        if found["DiagnosticsState"] == "Completed":
            assert dates == sorted(dates)
            test, total = int(found["TestBytesReceived"]), int(found["TotalBytesReceived"])
            assert 1_000_000 <= test <= total <= 1.1 * test
            assert 20e6 <= 8 * test / seconds <= 260e6
        else:
            assert found["DiagnosticsState"] == "Error_InitConnectionFailed"
            assert found["TestBytesReceived"] == "0"

    @ONE_RUN
    @given(st.sampled_from(UPLOADS), NUMBERS)
    def test_of_any_upload_fit(self, place: str, length: int) -> None:
        found = diagnosed(place, TestFileLength=length)
        dates, seconds = times_of(found)
        assert found["DiagnosticsState"] == "Completed"
        assert dates == sorted(dates)
        assert 0 < seconds <= measurements.LONGEST
        assert min(length + 1, 2**32 - 1) <= int(found["TotalBytesSent"]) <= 2**32 - 1

    @ONE_RUN
    @given(st.sampled_from(LOOKUPS), HOSTS, HOSTS, NUMBERS, NUMBERS)
    def test_of_any_lookup_fit(
        self, place: str, host: str, server: str, count: int, timeout: int
    ) -> None:
        inputs = {"HostName": host, "DNSServer": server, "Timeout": timeout}
        found = diagnosed(place, **inputs, NumberOfRepetitions=count)
        rows = table(found, "Result")
        good = [row for row in rows if row["Status"] == "Success"]
        assert int(found["SuccessCount"]) == len(good)
        assert (found["DiagnosticsState"] == "Complete") == bool(good)
        if found["DiagnosticsState"] != "Error_DNSServerNotResolved":
            assert len(rows) == min(count or 1, measurements.MOST_RESULTS)
        for row in rows:
            assert set(row) == set(measurements.ANSWERS)
            assert (row["IPAddresses"] != "") == (row in good)
            assert int(row["ResponseTime"]) <= (timeout or 5000)

    def test_neighbors_are_in_the_band_of_the_radio_that_heard_them(self) -> None:
        rows = table(diagnosed(NEIGHBORS), "Result")
        assert {row["Radio"] for row in rows} == {f"Device.WiFi.Radio.{each}." for each in (1, 2)}
        for row in rows:
            is_low = row["Radio"] == "Device.WiFi.Radio.1."
            assert row["OperatingFrequencyBand"] == ("2.4GHz" if is_low else "5GHz")
            assert (int(row["Channel"]) <= 14) == is_low
            assert -95 <= int(row["SignalStrength"]) <= -30
        assert len({row["BSSID"] for row in rows}) == len(rows)

    def test_times_are_utc_with_microseconds_after_the_session(self) -> None:
        found = diagnosed(DOWNLOADS[0])
        assert found["TCPOpenRequestTime"].startswith("2025-06-15T15:08:20.020000Z"[:19])
        assert found["EOMTime"].endswith("Z")
        assert len(found["EOMTime"]) == len("2008-04-09T15:01:05.123456Z")

    def test_a_time_based_test_takes_its_time(self) -> None:
        text = "".join(f"{DOWNLOADS[0]}{name}\n" for name in (_STATE, _URL, *_MODERN))
        profile = read_profile("modern", f"Parameter,Writable,Value\n{text}".encode())
        box = box_of(DOWNLOADS[0], profile)
        session(box, 100.0, requests(DOWNLOADS[0], box, TimeBasedTestDuration=90))
        finish(box)
        found = shown(box, DOWNLOADS[0])
        assert found["PeriodOfFullLoading"] == "90000000"
        assert int(found["TestBytesReceivedUnderFullLoading"]) >= 90 * 20e6 / 8

    def test_are_repeatable_and_each_cpes_own(self) -> None:
        assert diagnosed(ROUTE) == diagnosed(ROUTE)
        boxes = [cpe(index=index, behaviors=NO_PERIODS) for index in (0, 1)]
        for box in boxes:
            run(box, 0.0)
            session(box, 100.0, requests(ROUTE, box))
            finish(box)
        one, other = (table(shown(box, ROUTE), "RouteHops") for box in boxes)
        assert one != other
        assert one[-1]["HostAddress"] == other[-1]["HostAddress"]

    def test_long_runs_come_to_an_end(self) -> None:
        box = box_of(PING)
        session(box, 100.0, requests(PING, box, NumberOfRepetitions=2**32 - 1, Timeout=2**32 - 1))
        assert box.begin_session(box.due) is None
        assert box.due == 100.0 + measurements.LONGEST


class TestRows:
    def test_the_acs_sees_them_and_cannot_touch_them(self) -> None:
        box = box_of(ROUTE)
        session(box, 100.0, requests(ROUTE, box))
        finish(box)
        response = ask(box, m.GetParameterNames(f"{ROUTE}RouteHops.", True))
        assert isinstance(response, m.GetParameterNamesResponse)
        assert {each.writable for each in response.parameter_list} == {False}
        for request in (
            m.DeleteObject(f"{ROUTE}RouteHops.1."),
            m.AddObject(f"{ROUTE}RouteHops."),
        ):
            fault = ask(box, request)
            assert isinstance(fault, m.Fault)
            assert fault.fault_code == 9005

    def test_of_a_dump_are_replaced_by_those_of_the_run(self) -> None:
        old = "".join(f"{ROUTE}RouteHops.{number}.Host,0,old\n" for number in range(1, 40))
        count = f"{ROUTE}RouteHopsNumberOfEntries,0,39\n"
        text = f"Parameter,Writable,Value\n{ROUTE}{_STATE}\n{ROUTE}Host,1,\n{count}{old}"
        box = box_of(ROUTE, read_profile("dump", text.encode()))
        for now in (100.0, 200.0):
            session(box, now, requests(ROUTE, box))
            assert table(shown(box, ROUTE), "RouteHops") == []
            finish(box)
            rows = table(shown(box, ROUTE), "RouteHops")
            assert 4 <= len(rows) <= 14
            assert {"Host": "old"} not in rows
        session(box, 300.0, m.Reboot(""))
        assert table(shown(box, ROUTE), "RouteHops") == []


class TestTable:
    @pytest.mark.rule("10-16")
    def test_our_profiles_have_every_diagnostic_and_no_other(self) -> None:
        states = {
            path.removesuffix("DiagnosticsState")
            for name in BUILT_IN
            for path in load_profile(name).model.parameters
            if path.endswith("DiagnosticsState")
        }
        assert states == set(diag.DIAGNOSTICS)

    @pytest.mark.parametrize("place", diag.DIAGNOSTICS)
    def test_a_run_sets_every_result_that_our_profiles_have(self, place: str) -> None:
        box = box_of(place)
        session(box, 100.0, requests(place, box))
        finish(box)
        assert box.overlay is not None
        results = {
            path
            for path, each in box.model.parameters.items()
            if path.startswith(place) and not each.writable and not path.endswith("Transports")
        }
        still_zero = {f"{place}FailureCount"}
        assert results - still_zero <= set(box.overlay.values)

    @pytest.mark.parametrize("place", [at for at, each in diag.DIAGNOSTICS.items() if each.table])
    def test_rows_have_their_columns(self, place: str) -> None:
        kind = diag.DIAGNOSTICS[place]
        rows = table(diagnosed(place), kind.table.rstrip("."))
        assert {name for row in rows for name in row} == {
            f"{kind.prefix}{name}" for name in kind.columns
        }
        assert all(row[f"{kind.prefix}{name}"] for row in rows for name in list(kind.columns)[:1])

    def test_real_dumps_run_what_they_have(self, devices: Path) -> None:
        ran = set()
        for dump in sorted(devices.glob("*.csv")):
            profile = load_profile(str(dump))
            for place in diag.DIAGNOSTICS:
                state = profile.model.parameters.get(f"{place}DiagnosticsState")
                if state is not None and state.writable:
                    box = box_of(place, profile)
                    session(box, 100.0, requests(place, box))
                    assert EIGHT in finish(box).events
                    assert box.value(state_of(place), 100.0).startswith("Complete"), (dump, place)
                    ran.add(place)
        assert len(ran) >= 9


_STATE, _URL = "DiagnosticsState,1,None", "DownloadURL,1,"
_MODERN = (
    "TimeBasedTestDuration,1,0",
    "PeriodOfFullLoading,0,0",
    "TestBytesReceivedUnderFullLoading,0,0",
)


def state_of(place: str) -> str:
    return f"{place}DiagnosticsState"


def times_of(found: dict[str, str]) -> tuple[Sequence[datetime], float]:
    """The moments of a transfer in the order they must have, and how long it took."""
    names = ("TCPOpenRequestTime", "TCPOpenResponseTime", "ROMTime", "BOMTime", "EOMTime")
    dates = [datetime.fromisoformat(found[name]) for name in names]
    return dates, (dates[-1] - dates[-2]).total_seconds()

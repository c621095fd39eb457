"""Simulated measurements: results that fit their inputs, the same for the same seed."""

from __future__ import annotations

from datetime import datetime
from random import Random

import pytest
from helpers.cpes import cpe

from caretaker.device.measurements import MeasurementRun, download, ns_lookup, ping, upload

PING = "Device.IP.Diagnostics.IPPing."
DOWNLOAD = "Device.IP.Diagnostics.DownloadDiagnostics."
UPLOAD = "Device.IP.Diagnostics.UploadDiagnostics."
LOOKUP = "Device.DNS.Diagnostics.NSLookupDiagnostics."


def run_of(place: str, **inputs: str) -> MeasurementRun:
    """A run with these inputs, set whether or not the profile has them."""
    box = cpe()
    box.ensure_overlay().values.update({f"{place}{name}": text for name, text in inputs.items()})
    return MeasurementRun(box, place, 100.0, Random(1))


def test_inputs_are_read_with_defaults_and_bounds() -> None:
    run = run_of(PING, Host=" a.example ", NumberOfRepetitions="7", Timeout="none")
    assert run.text("Host") == "a.example"
    assert run.number("NumberOfRepetitions", 3) == 7
    assert run.number("NumberOfRepetitions", 3, 5) == 5
    assert run.number("Timeout", 1000) == 1000


def test_dates_are_utc_with_microseconds() -> None:
    run = run_of(PING)
    moment = datetime.fromisoformat(run.date(0.25))
    assert moment.timestamp() == 100.25 + run.cpe.context.wall_offset


def test_the_same_seed_measures_the_same() -> None:
    assert ping(run_of(PING, Host="a.example")) == ping(run_of(PING, Host="a.example"))


def test_every_ping_succeeds_or_fails() -> None:
    values = ping(run_of(PING, Host="a.example", NumberOfRepetitions="50")).values
    assert values["SuccessCount"] + values["FailureCount"] == 50  # type: ignore[operator]


@pytest.mark.parametrize("host", ["", "no name", "a.invalid"])
def test_a_host_without_address_is_an_error(host: str) -> None:
    assert ping(run_of(PING, Host=host)).state == "Error_CannotResolveHostName"


def test_steps_of_a_transfer_are_in_order() -> None:
    values = download(run_of(DOWNLOAD, DownloadURL="http://files.example/x")).values
    steps = ("TCPOpenRequestTime", "TCPOpenResponseTime", "ROMTime", "BOMTime", "EOMTime")
    dates = [str(values[step]) for step in steps]
    assert dates == sorted(dates)


def test_an_upload_sends_the_bytes_that_it_is_asked_for() -> None:
    run = run_of(UPLOAD, UploadURL="http://files.example/x", TestFileLength="100000")
    values = upload(run).values
    assert 100_000 <= values["TestBytesSent"] < values["TotalBytesSent"]  # type: ignore[operator]


def test_a_lookup_has_a_row_for_each_repetition() -> None:
    found = ns_lookup(run_of(LOOKUP, HostName="a.example", NumberOfRepetitions="4"))
    assert (found.values["SuccessCount"], len(found.rows), found.state) == (4, 4, "")
    assert len({str(row["IPAddresses"]) for row in found.rows}) == 1

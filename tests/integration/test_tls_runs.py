"""A run over TLS: each CPE with a certificate of its own, and Connection Requests over https."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.processes import ended_well, loadtest_until, run

pytestmark = [pytest.mark.processes]
CPES = 20
ACCEPTED = 'caretaker_connection_requests_total{verdict="accepted"}'


def test_each_cpe_shows_its_certificate_and_is_called_over_https(tmp_path: Path) -> None:
    """The ACS takes only CPEs whose certificate names them."""
    made = run("caretaker", "certs", "certs", "--count", str(CPES), cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    certificates = (
        "--tls-ca", "certs/ca.pem", "--client-cert", "certs/clients/{serial}.pem",
        "--acs-tls-cert", "certs/server.pem", "--acs-client-ca", "certs/ca.pem",
        "--acs-client-names", "--cr-tls-cert", "certs/server.pem", "--cr-tls-ca", "certs/ca.pem",
    )  # fmt: skip
    done, summary = loadtest_until(
        tmp_path, {ACCEPTED: 20}, "--users", str(CPES), "--spawn-rate", str(CPES),
        "--processes", "2", "--cr-rate", "10", *certificates,
    )  # fmt: skip
    assert ended_well(done.returncode, summary), done.stdout
    assert "Embedded ACS: https://127.0.0.1:" in done.stdout
    assert summary["sessions"]["reasons"] == {}
    assert summary["connection_requests"]["books_balance"]
    assert summary["fleet"]["cpes"] == CPES


def test_a_fleet_without_one_of_its_certificates_does_not_begin(tmp_path: Path) -> None:
    run("caretaker", "certs", "certs", "--count", "1", cwd=tmp_path)
    begun = run(
        "caretaker", "run", "--users", "2", "--client-cert", "certs/clients/{serial}.pem",
        cwd=tmp_path,
    )  # fmt: skip
    assert begun.returncode == 2
    complaint = "certs/clients/FLEET-000002.pem: no such file, or not readable"
    assert begun.stderr.strip().splitlines()[-1].endswith(complaint)

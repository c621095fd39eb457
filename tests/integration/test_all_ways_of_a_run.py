"""A run whose CPEs are reached by all ways, with Prosody, coturn and the embedded ACS."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.coturn import coturn, needs_coturn
from helpers.processes import free_port, run
from helpers.xmpp_servers import DOMAIN, prosody

from caretaker.connection_request.xmpp_sender import PASSWORD_VARIABLE
from caretaker.way import Way

pytestmark = [
    pytest.mark.processes,
    pytest.mark.sockets,
    needs_coturn,
    pytest.mark.skipif(
        not shutil.which("prosodyctl"),
        reason="prosody is not installed; ./scripts/setup servers installs it",
    ),
]
CPES, PASSWORD = 32, "hidden-word"


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """The options that name a STUN and an XMPP server with accounts."""
    listed = run(
        "caretaker.xmpp_accounts", "--format", "prosody", "--domain", DOMAIN,
        "--count", str(CPES), "--seed", "7",
    )  # fmt: skip
    stun, ca, folder = free_port(), tmp_path / "ca.pem", tmp_path / "coturn"
    folder.mkdir()
    with prosody() as server, coturn(folder, stun):
        server.make_accounts(listed.stdout, f"acs:{PASSWORD}")
        server.ca.cert_pem.write_to_path(ca)
        yield (
            "--stun-server", f"127.0.0.1:{stun}", "--xmpp-server", f"127.0.0.1:{server.port}",
            "--xmpp-domain", DOMAIN, "--tls-ca", str(ca), "--cr-tls-ca", str(ca),
        )  # fmt: skip


@pytest.mark.rule("9.3-3", "9.4-1")
def test_each_way_brings_accepted_requests(tmp_path: Path, servers: tuple[str, ...]) -> None:
    ended = run(
        "caretaker", "run", "--users", str(CPES), "--spawn-rate", str(CPES), "--processes", "2",
        "--run-time", "12s", "--seed", "7", "--cr-rate", "20",
        "--reach", "direct:1,stun:1,xmpp:1,dark:1", "--cr-xmpp-jid", f"acs@{DOMAIN}", *servers,
        cwd=tmp_path, prefix=("env", f"{PASSWORD_VARIABLE}={PASSWORD}"),
    )  # fmt: skip
    assert ended.returncode in (0, 4), ended.stdout + ended.stderr
    text = (tmp_path / "summary.json").read_text()
    assert PASSWORD not in text + ended.stdout + ended.stderr
    summary = json.loads(text)
    requests, tasks = summary["connection_requests"], summary["tasks"]
    assert summary["fleet"]["workers"] == 2
    assert requests["books_balance"]
    assert sum(summary["timeline"]["crs_received"]) == requests["received"]
    assert tasks["reasons"] == {}
    assert set(requests["by_way"]) == set(Way)
    for way, of_way in requests["by_way"].items():
        assert of_way["accepted"] > 0
        assert tasks["by_way"][way]["done"] > 0
        ends = ("delivered", "coalesced", "pending", "dropped")
        assert of_way["accepted"] == sum(of_way[end] for end in ends)

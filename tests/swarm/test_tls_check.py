"""What a command line says of TLS is checked before any process is forked."""

from __future__ import annotations

import sys

import pytest
import trustme
from helpers import compiled_tls
from helpers.certificates import identity
from helpers.options import parse

from caretaker.errors import InputError
from caretaker.swarm.tls_check import NOT_COMPILED, NOT_VERIFIED, check_tls


def test_no_verification_is_said_aloud(capsys: pytest.CaptureFixture[str]) -> None:
    check_tls(parse())
    assert capsys.readouterr().err == ""
    check_tls(parse("--tls-insecure"))
    assert NOT_VERIFIED in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "is_said"),
    [
        (["--host", "https://127.0.0.1/"], True),
        (["--host", "https://127.0.0.1/", "--master"], False),
        (["--host", "http://127.0.0.1/"], False),
        ([], False),
    ],
)
def test_tls_that_is_not_compiled_is_said_once_where_cpes_speak_it(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    is_said: bool,
) -> None:
    compiled_tls.use("ssl module", monkeypatch)
    check_tls(parse(*arguments))
    assert capsys.readouterr().err == (f"caretaker: {NOT_COMPILED}\n" if is_said else "")


def test_tls_to_the_acs_of_the_run_counts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    compiled_tls.use("ssl module", monkeypatch)
    check_tls(parse("--acs-tls-cert", identity(trustme.CA(), "a").certificate))
    assert NOT_COMPILED in capsys.readouterr().err


def test_nothing_is_said_of_compiled_tls(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("caretaker.swarm.tls_check.tls_module", lambda: sys)
    check_tls(parse("--host", "https://127.0.0.1/"))
    assert capsys.readouterr().err == ""


def test_the_certificates_of_the_fleet_must_be_there() -> None:
    mine = identity(trustme.CA(), "a").certificate
    check_tls(parse("--client-cert", mine))
    with pytest.raises(InputError, match=r"--client-key: /nowhere/FLEET-000001\.pem"):
        check_tls(parse("--client-cert", "/nowhere/{serial}.pem"))


def test_the_machines_of_workers_look_at_their_own_files() -> None:
    check_tls(parse("--master", "--client-cert", "/nowhere/{serial}.pem"))

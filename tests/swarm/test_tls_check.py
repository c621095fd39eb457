"""What a command line says of TLS is checked before any process is forked."""

from __future__ import annotations

import pytest
import trustme
from helpers.certificates import identity
from helpers.options import parse

from caretaker.errors import InputError
from caretaker.swarm.tls_check import NOT_VERIFIED, check_tls


def test_no_verification_is_said_aloud(capsys: pytest.CaptureFixture[str]) -> None:
    check_tls(parse())
    assert capsys.readouterr().err == ""
    check_tls(parse("--tls-insecure"))
    assert NOT_VERIFIED in capsys.readouterr().err


def test_the_certificates_of_the_fleet_must_be_there() -> None:
    mine = identity(trustme.CA(), "a").certificate
    check_tls(parse("--client-cert", mine))
    with pytest.raises(InputError, match=r"--client-key: /nowhere/FLEET-000001\.pem"):
        check_tls(parse("--client-cert", "/nowhere/{serial}.pem"))


def test_the_machines_of_workers_look_at_their_own_files() -> None:
    check_tls(parse("--master", "--client-cert", "/nowhere/{serial}.pem"))

"""Certificates for tests of TLS, as ``caretaker certs`` makes them."""

from __future__ import annotations

import ssl
import stat
from contextlib import suppress
from pathlib import Path

import pytest

from caretaker.commands import main
from caretaker.device.identity import Identities
from caretaker.http.certificates import key_kind
from caretaker.http.client_certificates import ClientCertificates
from caretaker.http.server_tls import ServerTLS
from caretaker.http.tls_settings import USUAL, TLSSettings

cryptography = pytest.importorskip("cryptography")


def made(folder: Path, *arguments: str) -> dict[str, bytes]:
    """The files of a folder after the command has been there."""
    assert main(["certs", str(folder), *arguments]) == 0
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_it_makes_a_ca_and_the_certificate_of_a_server(tmp_path: Path) -> None:
    assert set(made(tmp_path / "new")) == {"ca.pem", "ca.key", "server.pem"}
    folder = tmp_path / "new"
    ServerTLS(str(folder / "server.pem"), client_ca=str(folder / "ca.pem")).context()


def test_it_makes_those_of_a_fleet_and_of_the_check_before_its_run(tmp_path: Path) -> None:
    files = made(tmp_path, "--count", "2", "--serial-prefix", "AREA")
    names = {name for name in files if name.startswith("clients/")}
    serials = ("AREA-000001", "AREA-000002", "CHECK-000001")
    assert names == {f"clients/{serial}.pem" for serial in serials}
    template = ClientCertificates(f"{tmp_path}/clients/{{serial}}.pem")
    template.check(range(2), Identities(prefix="AREA").serial_number)
    for serial in serials:
        TLSSettings(str(tmp_path / "ca.pem")).context(USUAL, template.of(0, serial))


def test_it_makes_those_of_a_list(tmp_path: Path) -> None:
    devices = tmp_path / "devices.csv"
    devices.write_text("serial\nA1\nB2\n")
    files = made(tmp_path / "certs", "--devices", str(devices))
    assert {"clients/A1.pem", "clients/B2.pem"} < set(files)


def test_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    made(tmp_path, "--count", "1")
    for name in ("ca.key", "server.pem", "clients/FLEET-000001.pem"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600, name
    assert key_kind(str(tmp_path / "server.pem")) == "EC"


def test_what_is_there_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = made(tmp_path, "--count", "1")
    after = made(tmp_path, "--count", "2")
    assert set(after) - set(before) == {"clients/FLEET-000002.pem"}
    assert {name: after[name] for name in before} == before
    assert "made 1 certificates of CPEs, 2 were there" in capsys.readouterr().out


def test_the_names_of_the_server_are_those_given(tmp_path: Path) -> None:
    from cryptography import x509  # noqa: PLC0415

    files = made(tmp_path, "--name", "acs.example.com", "--name", "10.0.0.7", "--days", "3")
    certificate = x509.load_pem_x509_certificate(files["server.pem"])
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["acs.example.com"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.7"]
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == 4


def test_openssl_takes_them_by_its_strictest_rules(tmp_path: Path) -> None:
    made(tmp_path, "--count", "1")
    server = ServerTLS(str(tmp_path / "server.pem"), client_ca=str(tmp_path / "ca.pem")).context()
    client = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    client.load_cert_chain(tmp_path / "clients" / "FLEET-000001.pem")
    for context in (server, client):
        context.verify_flags |= ssl.VERIFY_X509_STRICT
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    mine = client.wrap_bio(to_client, to_server, server_hostname="localhost")
    its = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (mine, its, mine, its):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    assert (its.getpeercert() or {})["subject"] == ((("commonName", "FLEET-000001"),),)


# -- what can't be used ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--name", "h\u00f6st"), "give host names in ASCII, or addresses"),
        (("--count", "1", "--devices", "x.csv"), "--count and --devices"),
        (("--count", "1", "--serial-prefix", "a/b"), "--serial-prefix 'a/b'"),
        (("--devices", "/nowhere"), "/nowhere"),
    ],
)
def test_bad_input_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], complaint: str
) -> None:
    assert main(["certs", str(tmp_path), *arguments]) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1


def test_a_serial_number_that_is_no_name_of_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    devices = tmp_path / "devices.csv"
    devices.write_text("serial\n../../x\n")
    assert main(["certs", str(tmp_path), "--devices", str(devices)]) == 2
    assert "no name of a file" in capsys.readouterr().err
    assert not (tmp_path.parent.parent / "x.pem").exists()


def test_a_folder_with_something_else_as_its_ca(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    assert main(["certs", str(tmp_path)]) == 2
    assert "choose another folder" in capsys.readouterr().err


def test_a_folder_that_can_not_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["certs", str(tmp_path / "file")]) == 2
    assert "file: " in capsys.readouterr().err


def test_without_the_library_the_cure_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("caretaker.certs.command.find_spec", lambda _: None)
    assert main(["certs", str(tmp_path)]) == 2
    assert "pip install 'caretaker-cwmp[certs]'" in capsys.readouterr().err

"""Where the certificates of clients are: one for all CPEs, or one for each."""

from __future__ import annotations

import shutil

import pytest
import trustme
from helpers.certificates import folder, identity

from caretaker.errors import InputError
from caretaker.http.client_certificates import (
    NO_CERTIFICATES,
    PASSWORD_VARIABLE,
    ClientCertificates,
    check_template,
)
from caretaker.http.tls_settings import Identity

CA = trustme.CA()


def serial(index: int) -> str:
    return f"F-{index}"


def test_a_fleet_without_certificates_has_none() -> None:
    assert NO_CERTIFICATES.source(serial)(0) is None
    NO_CERTIFICATES.check(range(3), serial)


def test_a_name_without_fields_is_that_of_all() -> None:
    files = ClientCertificates("all.pem", "all.key")
    assert not files.is_one_each
    assert files.source(serial)(7) == Identity("all.pem", "all.key")


def test_a_template_gives_each_its_own() -> None:
    files = ClientCertificates("{serial}.pem", "{index}.key")
    assert files.is_one_each
    assert files.source(serial)(7) == Identity("F-7.pem", "7.key")


def test_without_a_key_it_is_in_the_file_of_the_certificate() -> None:
    assert ClientCertificates("{index}.pem").source(serial)(7) == Identity("7.pem", "7.pem")


def test_the_password_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "s3cret")
    mine = ClientCertificates("a.pem").source(serial)(0)
    assert mine is not None
    assert mine.password == "s3cret"


def test_a_template_of_fields_that_there_are_not() -> None:
    with pytest.raises(InputError, match=r"no \{mac\}; there are \{serial\} and \{index\}"):
        check_template("certs/{mac}.pem")
    assert check_template("certs/{serial}-{index}.pem")


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(InputError, match="/nowhere: no such file"):
        check_template("/nowhere")


def certificates_of(*indices: int) -> ClientCertificates:
    """A folder with the certificates of these CPEs."""
    where = folder()
    for index in indices:
        shutil.copy(identity(CA, serial(index)).certificate, where / f"{serial(index)}.pem")
    return ClientCertificates(f"{where}/{{serial}}.pem")


def test_the_certificates_of_a_fleet_are_all_there() -> None:
    certificates_of(0, 1, 2).check(range(3), serial)


@pytest.mark.parametrize(("there", "missing"), [((1,), 0), ((0, 1), 2)])
def test_the_first_certificate_that_is_missing_is_named(
    there: tuple[int, ...], missing: int
) -> None:
    with pytest.raises(InputError, match=rf"{serial(missing)}\.pem: [Nn]o such file"):
        certificates_of(*there).check(range(3), serial)


def test_a_certificate_of_all_that_can_not_be_used() -> None:
    broken = folder() / "client.pem"
    broken.write_text("no certificate")
    with pytest.raises(InputError, match=r"client\.pem: no certificate in PEM in it"):
        ClientCertificates(str(broken)).check((), serial)


def test_a_key_without_its_certificate() -> None:
    with pytest.raises(InputError, match=r"a\.key: a key without its certificate; give both"):
        ClientCertificates("", "a.key").check((), serial)

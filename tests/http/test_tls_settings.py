"""What TLS connections use: contexts, certificates of clients, and checks that are our own."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme
from helpers.certificates import file_of, folder, identity, trusting

from caretaker.errors import InputError
from caretaker.http.tls_settings import USUAL, DeviceTLS, Identity, TLSClient, TLSSettings

CA = trustme.CA()


def test_servers_are_verified_unless_a_user_says_otherwise() -> None:
    context = TLSSettings().context()
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    context = TLSSettings(verify=False).context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)


def test_a_fleet_has_one_context() -> None:
    settings = trusting(CA)
    assert settings.context() is settings.context(DeviceTLS())
    assert settings.context() is not settings.context(DeviceTLS(sni=False))


def test_certificates_with_the_same_kind_of_key_share_a_context() -> None:
    settings = trusting(CA)
    first, second = identity(CA, "a"), identity(CA, "b")
    rsa = identity(CA, "c", key_type=trustme.KeyType.RSA)
    assert settings.context(USUAL, first) is settings.context(USUAL, second)
    # OpenSSL would else choose between the two certificates.
    assert settings.context(USUAL, first) is not settings.context(USUAL, rsa)
    assert settings.context(USUAL, first) is not settings.context()


def test_the_certificate_of_a_cpe_is_that_of_its_index() -> None:
    mine = identity(CA, "a")
    settings = TLSSettings(identity={7: mine}.get)
    assert TLSClient(settings, "acs", cpe_index=7).identity == mine
    assert TLSClient(settings, "acs", cpe_index=8).identity is None
    assert TLSClient(settings, "acs").identity is None


def test_old_versions_are_spoken_where_a_device_knows_no_newer_one() -> None:
    old = DeviceTLS(minimum=ssl.TLSVersion.TLSv1, maximum=ssl.TLSVersion.TLSv1,
                    ciphers="ALL:@SECLEVEL=0")  # fmt: skip
    context = TLSSettings().new_context(old)
    assert context.maximum_version == ssl.TLSVersion.TLSv1


def test_a_password_is_not_shown() -> None:
    assert "s3cret" not in repr(Identity("a.pem", "a.key", "s3cret"))


# -- what can't be used ---------------------------------------------------------------------------


def written(name: str, text: bytes) -> str:
    path = folder() / name
    path.write_bytes(text)
    return str(path)


@pytest.mark.parametrize("ciphers", ["NONE-SUCH", "AES\0"])
def test_ciphers_that_openssl_lacks(ciphers: str) -> None:
    with pytest.raises(InputError, match="OpenSSL has none of these"):
        TLSSettings(ciphers=ciphers).context()


@pytest.mark.parametrize("text", [b"", b"\x00\xff" * 100, b"-----BEGIN CERTIFICATE-----\nx"])
def test_a_file_of_cas_without_any(text: bytes) -> None:
    with pytest.raises(InputError, match="no certificates in PEM in it"):
        TLSSettings(written("ca.pem", text)).context()


@pytest.mark.parametrize("text", [b"", b"\x00\xff" * 100, b"-----BEGIN CERTIFICATE-----\nx"])
def test_a_client_certificate_that_is_none(text: bytes) -> None:
    path = written("client.pem", text)
    with pytest.raises(InputError, match=f"{path}: (no certificate|not a certificate)"):
        TLSSettings().context(USUAL, Identity(path, path))


def test_a_client_certificate_that_is_not_there() -> None:
    with pytest.raises(InputError, match="/nowhere: No such file or directory"):
        TLSSettings().context(USUAL, Identity("/nowhere", "/nowhere"))


def test_a_key_that_is_not_there() -> None:
    with pytest.raises(InputError, match="/nowhere: No such file or directory"):
        TLSSettings().context(USUAL, identity(CA, "a")._replace(key="/nowhere"))


def test_the_key_of_another_certificate() -> None:
    other = identity(CA, "b").key
    with pytest.raises(InputError, match="the key is not that of the certificate"):
        TLSSettings().context(USUAL, identity(CA, "a")._replace(key=other))


def encrypted(password: bytes) -> Identity:
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    mine = identity(CA, "a")
    key = serialization.load_pem_private_key(Path(mine.key).read_bytes(), None)
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password),
    )
    return mine._replace(key=written("client.key", text))


def test_a_key_with_a_password() -> None:
    mine = encrypted(b"s3cret")
    TLSSettings().context(USUAL, mine._replace(password="s3cret"))
    for password in ("", "wrong"):
        with pytest.raises(InputError, match="the password of the key is wrong, or missing"):
            TLSSettings().context(USUAL, mine._replace(password=password))


def test_a_context_that_failed_to_load_a_certificate_is_not_taken_for_loaded() -> None:
    settings, good = TLSSettings(), identity(CA, "a")
    settings.context(USUAL, good)
    bad = good._replace(key="/nowhere")
    for _ in range(2):
        with pytest.raises(InputError):
            settings.context(USUAL, bad)
    settings.context(USUAL, good)


def test_the_ca_of_a_file_alone_is_trusted() -> None:
    context = TLSSettings(file_of(CA)).context()
    assert len(context.get_ca_certs()) == 1

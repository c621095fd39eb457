"""A test CA and the certificates that it signs, with the library ``cryptography``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from caretaker.errors import InputError

CERTIFICATE, KEY = "ca.pem", "ca.key"
"""The files of a CA in its folder."""
_CA_DAYS = 3650
_COMMON_NAME_CHARACTERS = 64
"""Of a common name at most (RFC 5280 A.1)."""


def write_secret(path: Path, data: bytes) -> None:
    """
    Write a file that nobody else may read.

    Raises:
        InputError: it can't be written.
    """
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "wb") as file:
            file.write(data)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _name(common_name: str) -> x509.Name:
    try:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    except ValueError as error:
        most = f"a common name has 1 to {_COMMON_NAME_CHARACTERS} characters"
        raise InputError(f"{common_name!r}: {most}") from error


def _alternative(name: str) -> x509.GeneralName:
    """A name of a server as its certificate has it: an address, or a host name."""
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        pass
    try:
        return x509.DNSName(name)
    except ValueError as error:
        raise InputError(f"--name {name!r}: give host names in ASCII, or addresses") from error


@dataclass(frozen=True)
class Authority:
    """
    A CA for tests.

    Args:
        certificate: its own.
        key: its private key.
    """

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def of(cls, folder: Path) -> Self:
        """
        The CA of a folder, which is made if there is none.

        Raises:
            InputError: its files can't be read or written.
        """
        paths = folder / CERTIFICATE, folder / KEY
        if any(path.exists() for path in paths):
            return cls._read(*paths)
        made = cls._new()
        write_secret(paths[1], _pem(made.key))
        paths[0].write_bytes(made.pem)
        return made

    @classmethod
    def _read(cls, certificate: Path, key: Path) -> Self:
        try:
            made = load_pem_private_key(key.read_bytes(), None)
            signed = x509.load_pem_x509_certificate(certificate.read_bytes())
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            why = getattr(error, "strerror", None) or "not the files of a CA"
            raise InputError(f"{certificate}, {key}: {why}; choose another folder") from error
        if not isinstance(made, ec.EllipticCurvePrivateKey):
            raise InputError(f"{key}: not a key that caretaker certs has made")
        return cls(signed, made)

    @classmethod
    def _new(cls) -> Self:
        key, name = ec.generate_private_key(ec.SECP256R1()), _name("Caretaker test CA")
        builder = _builder(name, name, key.public_key(), _CA_DAYS)
        usage = x509.KeyUsage(
            digital_signature=True, content_commitment=False, key_encipherment=False,
            data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
            encipher_only=False, decipher_only=False,
        )  # fmt: skip
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        return cls(builder.add_extension(usage, True).sign(key, SHA256()), key)

    @property
    def pem(self) -> bytes:
        """Its certificate, in PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    def server(self, names: list[str], days: int) -> bytes:
        """
        A certificate of a server and its key, in PEM.

        Args:
            names: host names and addresses.
            days: that it is valid.

        Raises:
            InputError: a name can't be in a certificate.
        """
        alternative = x509.SubjectAlternativeName([_alternative(name) for name in names])
        common_name = names[0][:_COMMON_NAME_CHARACTERS]
        return self._issue(common_name, ExtendedKeyUsageOID.SERVER_AUTH, days, alternative)

    def client(self, common_name: str, days: int) -> bytes:
        """
        A certificate of a client and its key, in PEM.

        Raises:
            InputError: the common name is empty or too long.
        """
        return self._issue(common_name, ExtendedKeyUsageOID.CLIENT_AUTH, days)

    def _issue(
        self,
        common_name: str,
        usage: x509.ObjectIdentifier,
        days: int,
        alternative: x509.SubjectAlternativeName | None = None,
    ) -> bytes:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(self.certificate.subject, _name(common_name), key.public_key(), days)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
            .add_extension(x509.ExtendedKeyUsage([usage]), False)
            .add_extension(issuer, False)
        )
        if alternative is not None:
            builder = builder.add_extension(alternative, False)
        return builder.sign(self.key, SHA256()).public_bytes(Encoding.PEM) + _pem(key)


def _builder(
    issuer: x509.Name, subject: x509.Name, public: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # clocks differ
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
    )

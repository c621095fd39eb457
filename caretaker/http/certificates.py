"""What a certificate says: its names, its dates, and the kind of its key."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from caretaker.errors import InputError
from caretaker.http.ip_addresses import same_host
from caretaker.quoting import quoted

_MOST = 3
"""Names that are told."""
NOT_YET_VALID, EXPIRED, OTHER_HOST = 9, 10, 62
"""OpenSSL's ``X509_V_ERR_CERT_NOT_YET_VALID``, ``_CERT_HAS_EXPIRED`` and ``_HOSTNAME_MISMATCH``."""
_KEY_KINDS = {
    "RSA": bytes.fromhex("06092a864886f70d010101"),
    "EC": bytes.fromhex("06072a8648ce3d0201"),
}
"""The object identifier of a public key (RFC 3279 2.3), in DER; those of signatures differ."""

Certificate = Mapping[str, Any]
"""As ``SSLSocket.getpeercert`` describes it."""


def key_kind(path: str) -> str:
    """
    The kind of the key of the first certificate in a PEM file: ``RSA``, ``EC`` or ``other``.

    Raises:
        InputError: there is no certificate in it, or it can't be read.
    """
    try:
        rest = Path(path).read_text("latin-1").partition(ssl.PEM_HEADER)[2]
        first, footer, _ = rest.partition(ssl.PEM_FOOTER)
        der = ssl.PEM_cert_to_DER_cert(f"{ssl.PEM_HEADER}{first}{footer}")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no certificate in PEM in it"
        raise InputError(f"{path}: {why}") from error
    return next((kind for kind, identifier in _KEY_KINDS.items() if identifier in der), "other")


def names(certificate: Certificate) -> list[str]:
    """The names that it is for: the subject's alternative ones, or else its common name."""
    alternative = [value for _, value in certificate.get("subjectAltName", ())]
    return alternative or common_names(certificate)


def common_names(certificate: Certificate) -> list[str]:
    """The common names of its subject."""
    fields = [field[0] for field in certificate.get("subject", ())]
    return [value for name, value in fields if name == "commonName"]


def told(certificate: Certificate) -> str:
    """Its names for people, the first few."""
    every = names(certificate)
    more = [f"{len(every) - _MOST} more"] if len(every) > _MOST else []
    return quoted(", ".join([*every[:_MOST], *more]))


def _refusal(code: int, message: str) -> ssl.SSLCertVerificationError:
    """The error that OpenSSL would have made."""
    error = ssl.SSLCertVerificationError(1, message)
    error.verify_code, error.verify_message = code, message
    return error


def validity_error(certificate: Certificate, now: float) -> ssl.SSLCertVerificationError | None:
    """
    The error of a certificate that is expired, or not yet valid; None if it is neither.

    Args:
        certificate: of a server.
        now: in seconds since 1970.
    """
    if now < ssl.cert_time_to_seconds(certificate["notBefore"]):
        return _refusal(NOT_YET_VALID, "certificate is not yet valid")
    if now > ssl.cert_time_to_seconds(certificate["notAfter"]):
        return _refusal(EXPIRED, "certificate has expired")
    return None


def host_error(certificate: Certificate, host: str) -> ssl.SSLCertVerificationError | None:
    """The error of a certificate that is not for a host (RFC 6125 6.4); None if it is."""
    kind = "IP Address" if _is_address(host) else "DNS"
    alternative = certificate.get("subjectAltName", ())
    if any(each == kind and _is_for(value, host) for each, value in alternative):
        return None
    return _refusal(OTHER_HOST, "certificate is not for the host")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_for(name: str, host: str) -> bool:
    if _is_address(host):
        return ip_address(name.strip()) == ip_address(host)
    name, host = same_host(name), same_host(host)
    label, _, rest = host.partition(".")
    return name == host or (bool(label) and name == f"*.{rest}" and "." in rest)

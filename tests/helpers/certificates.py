"""Certificates of test CAs, as files and in contexts of servers."""

from __future__ import annotations

import ssl
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import gevent.ssl
import trustme

from caretaker.http.tls_settings import Identity, TLSSettings


def folder() -> Path:
    """A new folder among the temporary files of the tests."""
    return Path(mkdtemp(prefix="caretaker-certificates-"))


def file_of(ca: trustme.CA) -> str:
    """A PEM file with the certificate of a CA."""
    path = folder() / "ca.pem"
    ca.cert_pem.write_to_path(path)
    return str(path)


def trusting(ca: trustme.CA, **more: Any) -> TLSSettings:
    """Settings of clients that trust a CA alone."""
    return TLSSettings(file_of(ca), **more)


def server_context(ca: trustme.CA, *names: str, **about: Any) -> Any:
    """The context of a server whose certificate a CA has signed for names, or for 127.0.0.1."""
    made = gevent.ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(*(names or ("127.0.0.1",)), **about).configure_cert(made)
    return made


def identity(ca: trustme.CA, common_name: str, **about: Any) -> Identity:
    """The files of a client's certificate."""
    made, where = (
        ca.issue_cert(f"{common_name}.invalid", common_name=common_name, **about),
        folder(),
    )
    path = str(where / "client.pem")
    made.private_key_and_cert_chain_pem.write_to_path(path)
    return Identity(path, path)


def server_files(ca: trustme.CA, *names: str) -> str:
    """A PEM file with the certificate of a server, signed for names or 127.0.0.1, and its key."""
    path = folder() / "server.pem"
    ca.issue_cert(*(names or ("127.0.0.1",))).private_key_and_cert_chain_pem.write_to_path(path)
    return str(path)

"""TLS towards the ACS: which certificates are trusted."""

from __future__ import annotations

import ssl

import gevent.ssl

from caretaker.errors import InputError


def tls_context(ca: str | None = None, *, verify: bool = True) -> ssl.SSLContext:
    """
    A TLS context for ``Endpoint``.

    Args:
        ca: PEM file of the certificates to trust; those of the system if None.
        verify: whether the server's certificate is checked.

    Raises:
        InputError: the file can't be read, or holds no certificates.
    """
    try:
        context = gevent.ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise InputError(f"{ca}: no certificates in PEM in it ({error.strerror})") from error
    if not verify:
        context.check_hostname, context.verify_mode = False, gevent.ssl.CERT_NONE
    return context

"""The names in a server's certificate, for the reason why it was not that of the host."""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import Any

import gevent.socket
import gevent.ssl

from caretaker.quoting import quoted

_MOST = 3
"""Names that are told."""


def certificate_names(host: str, address: Any, context: ssl.SSLContext, timeout: float) -> str:
    """
    The names in the certificate of a server, after it was refused for its name.

    A handshake tells nothing of a certificate that it has refused. A second one, which does not
    compare the name, does; all else is verified as before, and nothing is sent over it.

    Args:
        host: the name of the server, for SNI.
        address: the server's, as from ``getaddrinfo``.
        context: has the certificates to trust.
        timeout: seconds to wait.
    """
    with suppress(OSError, ValueError):
        looking = gevent.ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        looking.check_hostname = False
        looking.load_verify_locations(cadata=b"".join(context.get_ca_certs(binary_form=True)))
        with (
            gevent.socket.create_connection(address[:2], timeout) as plain,
            looking.wrap_socket(plain, server_hostname=host) as secure,
        ):
            return _names(secure.getpeercert() or {})
    return ""


def _names(certificate: Any) -> str:
    names = [value for _, value in certificate.get("subjectAltName", ())]
    if not names:
        fields = dict(field[0] for field in certificate.get("subject", ()))
        names = [fields["commonName"]] if "commonName" in fields else []
    more = [f"{len(names) - _MOST} more"] if len(names) > _MOST else []
    return quoted(", ".join([*names[:_MOST], *more]))

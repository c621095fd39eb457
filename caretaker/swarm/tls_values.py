"""What options of TLS may be, as ``option_values`` has it: versions and ciphers."""

from __future__ import annotations

import ssl
from typing import NamedTuple, Self

from caretaker.errors import InputError
from caretaker.http.tls_settings import TLSSettings

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class TLSVersions(NamedTuple):
    """The oldest and newest version of TLS; its text is ``OLDEST-NEWEST``, or one version."""

    oldest: ssl.TLSVersion
    newest: ssl.TLSVersion

    @classmethod
    def parse(cls, text: str) -> Self:
        """The versions in a text."""
        first, _, last = text.partition("-")
        oldest, newest = _VERSIONS.get(first), _VERSIONS.get(last or first)
        if oldest is None or newest is None or oldest > newest:
            raise InputError(f"{text!r} is not 1.2, 1.3 or 1.2-1.3")
        return cls(oldest, newest)

    def __str__(self) -> str:
        """Its text."""
        names = {version: name for name, version in _VERSIONS.items()}
        return "-".join(dict.fromkeys(names[version] for version in self))


def ciphers(text: str) -> str:
    """Ciphers in OpenSSL's form."""
    TLSSettings(verify=False, ciphers=text).new_context()
    return text

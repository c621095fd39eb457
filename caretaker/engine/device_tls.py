"""The client's end of a CPE's connections: its source address, and how its device speaks TLS."""

from __future__ import annotations

import ssl
from functools import lru_cache
from typing import Any

from caretaker.device.cpe import CPE
from caretaker.http.endpoint import Endpoint, LocalEnd
from caretaker.http.tls_settings import USUAL, DeviceTLS
from caretaker.profiles import quirks

_OLD_CIPHERS = "ALL:@SECLEVEL=0"
"""OpenSSL speaks TLS 1.0 and 1.1 only at this level, as they need SHA-1."""
_WEAK_CIPHERS = "AES128-SHA:AES256-SHA:@SECLEVEL=0"
"""RSA for the exchange of keys, CBC, SHA-1: what devices of about 2008 offer."""

DEVICE_TLS: dict[str, dict[str, Any]] = {
    quirks.TLS_1_0: {
        "minimum": ssl.TLSVersion.TLSv1,
        "maximum": ssl.TLSVersion.TLSv1,
        "ciphers": _OLD_CIPHERS,
    },
    quirks.TLS_1_1: {
        "minimum": ssl.TLSVersion.TLSv1_1,
        "maximum": ssl.TLSVersion.TLSv1_1,
        "ciphers": _OLD_CIPHERS,
    },
    quirks.TLS_1_2: {
        "minimum": ssl.TLSVersion.TLSv1_2,
        "maximum": ssl.TLSVersion.TLSv1_2,
    },
    quirks.TLS_NO_SNI: {"sni": False},
    quirks.TLS_WEAK_CIPHERS: {
        "minimum": ssl.TLSVersion.TLSv1_2,
        "maximum": ssl.TLSVersion.TLSv1_2,
        "ciphers": _WEAK_CIPHERS,
    },
    quirks.CLOCK_BEHIND: {"clock_offset": quirks.CLOCK_OFFSETS[quirks.CLOCK_BEHIND]},
    quirks.CLOCK_AHEAD: {"clock_offset": quirks.CLOCK_OFFSETS[quirks.CLOCK_AHEAD]},
}
"""What each quirk of TLS changes."""


@lru_cache(256)
def device_tls(names: frozenset[str]) -> DeviceTLS:
    """How a device with these quirks speaks TLS; of two that exclude each other, one holds."""
    device = USUAL
    for quirk, changes in DEVICE_TLS.items():
        if quirk in names:
            device = device._replace(**changes)
    return device


def local_end(endpoint: Endpoint, cpe: CPE) -> LocalEnd:
    """The client's end of the connections of a CPE."""
    names = cpe.profile.quirks
    device = device_tls(names) if names else USUAL
    return LocalEnd(endpoint.source(cpe.index), cpe.index, device)

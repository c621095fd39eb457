"""
Simulated measurements of diagnostics, by their inputs and seeded random (TR-143, TR-181).

A function takes a ``MeasurementRun`` and returns its ``Measurement``; nothing touches the network.
A name resolves to the same address for every CPE, unless it is no name or ends in ``.invalid``
(RFC 6761).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from itertools import accumulate
from random import Random
from typing import NamedTuple
from urllib.parse import urlsplit
from zlib import crc32

from caretaker.device.base import CPEBase
from caretaker.plain_numbers import is_digits

LONGEST = 3600.0
"""Seconds after which any run is over, whatever its inputs ask for; a bound, not a rule."""
MOST_RESULTS = 100
"""Repetitions that are looked at one by one; likewise."""

_GIVES_UP = 5.0
"""Seconds until a run fails that has nowhere to go."""
_MOST = 2**32 - 1
"""The highest unsignedInt, which all counters are."""


class MeasurementRun(NamedTuple):
    """
    The inputs of a run.

    Args:
        cpe: the CPE.
        place: the path of the object of the diagnostic.
        began: when the run began.
        rng: random numbers of this run.
    """

    cpe: CPEBase
    place: str
    began: float
    rng: Random

    def text(self, name: str) -> str:
        """An input; empty if this device has none of that name."""
        return self.cpe.value(f"{self.place}{name}", self.began).strip()

    def number(self, name: str, default: int, most: int = _MOST) -> int:
        """An input, no more than ``most``; the default where it is absent, 0 or no number."""
        text = self.text(name)
        is_number = is_digits(text) and len(text) <= 10
        return min(int(text), most) if is_number and int(text) else default

    def date(self, after: float) -> str:
        """The moment so many seconds after the run began: UTC, with microseconds (TR-143)."""
        moment = self.began + self.cpe.context.wall_offset + after
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Measurement(NamedTuple):
    """
    The results of a run.

    Args:
        seconds: the time that the run takes.
        values: results by the name of their parameter; a device may lack some.
        rows: of the table of results, likewise.
        state: the ``Error_...`` that the run ends with; empty if it is complete.
    """

    seconds: float
    values: Mapping[str, object] = {}
    rows: Sequence[Mapping[str, object]] = ()
    state: str = ""


# -- names and addresses --------------------------------------------------------------------------

_HOST = re.compile(r"[A-Za-z0-9_.:-]{1,256}")
_CANNOT_RESOLVE = Measurement(_GIVES_UP, state="Error_CannotResolveHostName")
_OUR_DNS_SERVER = "192.0.2.53"
_GATEWAY = "100.127.255.254"


def _resolves(host: str) -> bool:
    return _HOST.fullmatch(host) is not None and not host.lower().endswith(".invalid")


def _address(host: str) -> str:
    """The address itself, or one out of TEST-NET-3 (RFC 5737) that is always this name's."""
    try:
        return str(ip_address(host))
    except ValueError:
        return f"203.0.113.{1 + crc32(host.lower().encode()) % 254}"


def _is_served(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https", "ftp") and _resolves(parts.hostname or "")
    except ValueError:
        return False


# -- the kinds ------------------------------------------------------------------------------------


def ping(run: MeasurementRun) -> Measurement:
    """One in a hundred is lost; what takes longer than Timeout (ms) has failed."""
    if not _resolves(run.text("Host")):
        return _CANNOT_RESOLVE
    count, timeout = run.number("NumberOfRepetitions", 3), run.number("Timeout", 1000)
    typical = run.rng.uniform(4, 40)
    tried = [typical + run.rng.expovariate(0.5) for _ in range(min(count, MOST_RESULTS))]
    good = [time for time in tried if time <= timeout and run.rng.random() >= 0.01]
    # More than MOST_RESULTS go on like the first.
    successes = count * len(good) // len(tried)
    failures = count - successes
    counts = {"SuccessCount": successes, "FailureCount": failures}
    used = {"IPAddressUsed": run.cpe.context.identities.wan_ip(run.cpe.index)}
    seconds = count - 1 + typical / 1000 + failures * timeout / 1000
    return Measurement(seconds, {**counts, **_response_times(good), **used})


def _response_times(times: Sequence[float]) -> dict[str, int]:
    """Times in ms and, ``Detailed``, in microseconds; 0 without any answer."""
    exact = sorted(int(time * 1000) for time in times) or [0]
    detailed = {
        "MinimumResponseTime": exact[0],
        "AverageResponseTime": sum(exact) // len(exact),
        "MaximumResponseTime": exact[-1],
    }
    in_ms = {name: value // 1000 for name, value in detailed.items()}
    return in_ms | {f"{name}Detailed": value for name, value in detailed.items()}


def trace_route(run: MeasurementRun) -> Measurement:
    """Four to fourteen hops; too far if that is more than MaxHopCount or slower than Timeout."""
    host = run.text("Host")
    if not _resolves(host):
        return _CANNOT_RESOLVE
    tries, timeout = run.number("NumberOfTries", 3, 3), run.number("Timeout", 5000)
    count, most = run.rng.randint(4, 14), run.number("MaxHopCount", 30, 64)
    distances = accumulate(run.rng.uniform(0.5, 5) for _ in range(count))
    times = [_round_trips(run.rng, distance, tries) for distance in distances]
    seconds = sum(min(time, timeout) for hop in times for time in hop) / 1000 + 0.05 * count
    if count > most or min(times[-1]) > timeout:
        return Measurement(seconds, {"ResponseTime": 0}, state="Error_MaxHopCountExceeded")
    route = [(_GATEWAY, ""), *[_router(hop) for hop in range(2, count)], _named(host)]
    rows = [_hop(*hop, trips) for hop, trips in zip(route, times, strict=True)]
    return Measurement(seconds, {"ResponseTime": sum(times[-1]) // tries}, rows)


def _hop(name: str, address: str, trips: Sequence[int]) -> dict[str, object]:
    times = ",".join(map(str, trips))
    return {"Host": name, "HostAddress": address, "ErrorCode": 0, "RTTimes": times}


def _round_trips(rng: Random, distance: float, tries: int) -> list[int]:
    return [round(distance + rng.expovariate(1)) or 1 for _ in range(tries)]


def _router(hop: int) -> tuple[str, str]:
    return f"r{hop}.isp.example", f"198.51.100.{hop}"


def _named(host: str) -> tuple[str, str]:
    """Name and address; the address as the name of one that has none."""
    address = _address(host)
    return (host, address) if address != host else (address, "")


def download(run: MeasurementRun) -> Measurement:
    """A file of 1 to 100 MB over a line of 20 to 250 Mbit/s."""
    size, rate = run.rng.randint(1, 100) * 1_000_000, run.rng.uniform(20e6, 250e6) / 8
    return _transfer(run, "DownloadURL", size, rate, ("Received", "Sent"))


def upload(run: MeasurementRun) -> Measurement:
    """A file of TestFileLength bytes over a line of 5 to 50 Mbit/s."""
    size, rate = run.number("TestFileLength", 0), run.rng.uniform(5e6, 50e6) / 8
    return _transfer(run, "UploadURL", size, rate, ("Sent", "Received"))


def _transfer(
    run: MeasurementRun, url: str, size: int, rate: float, directions: tuple[str, str]
) -> Measurement:  # fmt: skip
    """Of so many bytes, or as many as go through in TimeBasedTestDuration seconds (TR-143)."""
    if not _is_served(run.text(url)):
        return Measurement(_GIVES_UP, state="Error_InitConnectionFailed")
    lasting = run.number("TimeBasedTestDuration", 0, 999)
    # The slowest line is taken for as fast as it must be to end in time.
    loading = min(lasting or max(0.001, size / rate), LONGEST - 1)
    size = int(rate * lasting) if lasting else size
    latency = run.rng.uniform(0.004, 0.04)
    steps = {
        "TCPOpenRequestTime": 0.02,
        "TCPOpenResponseTime": latency,
        "ROMTime": 0.001,
        "BOMTime": latency,
        "EOMTime": loading,
    }
    after = list(accumulate(steps.values()))
    dates = {name: run.date(seconds) for name, seconds in zip(steps, after, strict=True)}
    used = {"IPAddressUsed": run.cpe.context.identities.wan_ip(run.cpe.index)}
    return Measurement(after[-1], {**dates, **_transferred(size, loading, *directions), **used})


def _transferred(size: int, loading: float, there: str, back: str) -> dict[str, int]:
    """Counters: with HTTP's header, with those of IP and TCP too, and acknowledgements back."""
    test = min(size + 300, _MOST)
    total = min(test + test // 25 + 100, _MOST)
    counters = {
        f"TestBytes{there}": test,
        f"TotalBytes{there}": total,
        f"TotalBytes{back}": total // 50,
    }
    return {
        **counters,
        **{f"{name}UnderFullLoading": value for name, value in counters.items()},
        "PeriodOfFullLoading": round(loading * 1e6),
    }


def ns_lookup(run: MeasurementRun) -> Measurement:
    """One result for each repetition; the first asks the server, later ones find it cached."""
    host, server = run.text("HostName"), run.text("DNSServer") or _OUR_DNS_SERVER
    if not _resolves(server):
        return Measurement(_GIVES_UP, state="Error_DNSServerNotResolved")
    count = run.number("NumberOfRepetitions", 1, MOST_RESULTS)
    timeout = run.number("Timeout", 5000)
    times = [run.rng.randint(8, 40), *[run.rng.randint(1, 3) for _ in range(count - 1)]]
    rows = [_lookup(host, _address(server), time, timeout) for time in times]
    successes = sum(row["Status"] == _SUCCESS for row in rows)
    seconds = sum(min(time, timeout) for time in times) / 1000 + count - 1
    state = "" if successes else "Error_Other"  # where no attempt is good (TR-181)
    return Measurement(seconds, {"SuccessCount": successes}, rows, state)


_SUCCESS = "Success"


def _lookup(host: str, server: str, time: int, timeout: int) -> dict[str, object]:
    row: dict[str, object] = {"AnswerType": "None", "DNSServerIP": server, "ResponseTime": time}
    if time > timeout:
        return {**row, "Status": "Error_Timeout", "ResponseTime": 0}
    if not _resolves(host):
        return {**row, "Status": "Error_HostNameNotResolved"}
    answer = {"HostNameReturned": host, "IPAddresses": _address(host)}
    return {**row, **answer, "Status": _SUCCESS, "AnswerType": "NonAuthoritative"}


class _Band(NamedTuple):
    channels: Sequence[int]
    standards: Sequence[str]
    bandwidths: Sequence[str]


_USUAL_BAND = "2.4GHz"
_BANDS = {
    _USUAL_BAND: _Band((1, 6, 11), ("g,n", "n", "g,n,ax"), ("20MHz", "40MHz")),
    "5GHz": _Band((36, 44, 52, 100, 116), ("a,n,ac", "ac", "a,n,ac,ax"), ("40MHz", "80MHz")),
    "6GHz": _Band((5, 37, 69), ("ax",), ("80MHz", "160MHz")),
}
_SECURITY = (("WPA2", "AES"), ("WPA2", "AES"), ("WPA-WPA2", "TKIP,AES"), ("None", "None"))


def neighbors(run: MeasurementRun) -> Measurement:
    """Up to eight networks on each of the device's radios, in the band that it works in."""
    names = run.cpe.model.children_of(f"{run.cpe.model.root}WiFi.Radio.", run.cpe.overlay)
    radios = [name for name in names or () if name.endswith(".")]
    if not radios:
        return Measurement(_GIVES_UP, state="Error")
    rows = [_neighbor(run, radio) for radio in radios for _ in range(run.rng.randint(1, 8))]
    return Measurement(4.0 * len(radios), {}, rows)


def _neighbor(run: MeasurementRun, radio: str) -> dict[str, object]:
    name = run.cpe.value(f"{radio}OperatingFrequencyBand", run.began)
    band = _BANDS.get(name, _BANDS[_USUAL_BAND])
    address = f"{run.rng.getrandbits(40):010X}"
    security, encryption = run.rng.choice(_SECURITY)
    return {
        "Radio": radio,
        "SSID": f"WLAN-{address[4:]}",
        "BSSID": ":".join(("02", *re.findall("..", address))),
        "Mode": "Infrastructure",
        "Channel": run.rng.choice(band.channels),
        "SignalStrength": run.rng.randint(-92, -40),
        "SecurityModeEnabled": security,
        "EncryptionMode": encryption,
        "OperatingFrequencyBand": name if name in _BANDS else _USUAL_BAND,
        "OperatingStandards": run.rng.choice(band.standards),
        "OperatingChannelBandwidth": run.rng.choice(band.bandwidths),
        "BeaconPeriod": 100,
        "Noise": -95,
        "DTIMPeriod": run.rng.randint(1, 3),
    }


# -- columns of the tables of results -------------------------------------------------------------

_TEXT, _COUNT, _INT = "xsd:string", "xsd:unsignedInt", "xsd:int"


def _columns(texts: str, **others: str) -> dict[str, str]:
    return {**dict.fromkeys(texts.split(), _TEXT), **others}


HOPS = _columns("Host HostAddress RTTimes", ErrorCode=_COUNT)
ANSWERS = _columns(
    "Status AnswerType HostNameReturned IPAddresses DNSServerIP", ResponseTime=_COUNT
)
NETWORKS = _columns(
    "Radio SSID BSSID Mode SecurityModeEnabled EncryptionMode OperatingFrequencyBand "
    "OperatingStandards OperatingChannelBandwidth",
    **dict.fromkeys(("Channel", "BeaconPeriod", "DTIMPeriod"), _COUNT),
    **dict.fromkeys(("SignalStrength", "Noise"), _INT),
)

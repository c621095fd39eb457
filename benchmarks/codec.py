"""
Microseconds to write an Inform and to read an ACS's messages, beside the usual ways to do it.

No two messages are the same, as in a fleet, so no cache helps with the next one. Only the
InformResponse is also read again and again: CPEs begin each session with the same cwmp:ID, so most
ACSs send the same bytes to all.
"""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks import naive
from benchmarks.figures import Figure, Options, take_turns
from benchmarks.first_contact import periodic_inform
from benchmarks.nginx import INFORM_RESPONSE
from caretaker.cwmp import decode, encode
from caretaker.cwmp import messages as m
from caretaker.cwmp.envelope import CWMP_1_2, Envelope

COUNT = 2_000
_FIELDS = ("Manufacturer", "OUI", "ProductClass", "SerialNumber")


def run(options: Options) -> list[Figure]:
    """Measure; the references are lxml's ElementMaker, and the standard library's ElementTree."""
    inform = periodic_inform()
    values = inform.parameter_list
    names = tuple([value.name for value in values])
    count = options.scaled(COUNT)
    informs = [_inform(inform, number) for number in range(count)]
    written = _figure(
        options,
        f"write Inform, {len(values)} parameters",
        informs,
        ours=_write,
        reference="ElementMaker",
        theirs=_write_naively,
    )
    reads: dict[str, list[bytes]] = {
        f"read Inform, {len(values)} parameters": [
            encode(Envelope(message, f"{number:06d}", CWMP_1_2))
            for number, message in enumerate(informs)
        ],
        "read InformResponse": _envelopes(m.InformResponse(1), count),
        "read InformResponse, the same": [INFORM_RESPONSE] * count,
        f"read GetParameterValues, {len(names)} names": _envelopes(
            m.GetParameterValues(names), count
        ),
        f"read SetParameterValues, {len(values)} values": _envelopes(
            m.SetParameterValues(values), count
        ),
    }
    return [
        written,
        *(
            _figure(
                options, name, bodies, ours=decode, reference="ElementTree", theirs=_read_naively
            )
            for name, bodies in reads.items()
        ),
    ]


def _inform(inform: m.Inform, number: int) -> m.Inform:
    """The Inform of another CPE, with its serial number in DeviceId and values."""
    serial_number = f"FLEET-{number + 1:06d}"
    about = inform.device_id
    values = tuple(
        parameter._replace(value=parameter.value.replace(about.serial_number, serial_number))
        for parameter in inform.parameter_list
    )
    return m.Inform(
        about._replace(serial_number=serial_number),
        inform.event,
        inform.max_envelopes,
        inform.current_time,
        inform.retry_count,
        values,
    )


def _envelopes(message: m.Message, count: int) -> list[bytes]:
    return [encode(Envelope(message, f"{number:06d}", CWMP_1_2)) for number in range(count)]


def _write(inform: m.Inform) -> bytes:
    return encode(Envelope(inform, "1", CWMP_1_2))


def _write_naively(inform: m.Inform) -> bytes:
    about = dict(zip(_FIELDS, inform.device_id, strict=True))
    codes = [event.event_code for event in inform.event]
    return naive.inform(
        about, codes, [(name, text, kind) for name, text, kind in inform.parameter_list]
    )


def _read_naively(body: bytes) -> list[tuple[str, str | None]]:
    """Name and text of all elements that have text."""
    elements = ET.fromstring(body).iter()  # noqa: S314  # our own bytes
    return [(element.tag.rpartition("}")[2], element.text) for element in elements if element.text]


def _figure(
    options: Options,
    name: str,
    messages: Sequence[Any],
    *,
    ours: Callable[[Any], object],
    reference: str,
    theirs: Callable[[Any], object],
) -> Figure:
    values = take_turns(
        options.runs,
        {
            "ours": lambda: _microseconds(ours, messages),
            "theirs": lambda: _microseconds(theirs, messages),
        },
    )
    return Figure(name, "cpu-us", values["ours"], reference, values["theirs"])


def _microseconds(act: Callable[[Any], object], messages: Sequence[Any]) -> float:
    before = time.process_time()
    for message in messages:
        act(message)
    return 1e6 * (time.process_time() - before) / len(messages)

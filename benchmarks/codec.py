"""Microseconds to write an Inform and to read an ACS's messages, beside the usual ways to do it."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from collections.abc import Callable

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
    names = [each.name for each in inform.parameter_list]
    gpv = encode(Envelope(m.GetParameterValues(tuple(names)), "2", CWMP_1_2))
    spv = encode(Envelope(m.SetParameterValues(inform.parameter_list), "2", CWMP_1_2))
    about = dict(zip(_FIELDS, inform.device_id, strict=True))
    codes = [event.event_code for event in inform.event]
    values = [(name, value, kind) for name, value, kind in inform.parameter_list]
    envelope = Envelope(inform, "1", CWMP_1_2)
    pairs: dict[str, tuple[str, Callable[[], object], Callable[[], object]]] = {
        f"write Inform, {len(values)} parameters": (
            "ElementMaker",
            lambda: encode(envelope),
            lambda: naive.inform(about, codes, values),
        ),
        "read InformResponse": _reading(INFORM_RESPONSE),
        f"read GetParameterValues, {len(names)} names": _reading(gpv),
        f"read SetParameterValues, {len(values)} values": _reading(spv),
    }
    return [_figure(options, name, *pair) for name, pair in pairs.items()]


def _reading(body: bytes) -> tuple[str, Callable[[], object], Callable[[], object]]:
    return "ElementTree", lambda: decode(body), lambda: _read(body)


def _read(body: bytes) -> list[tuple[str, str | None]]:
    """All elements that have text, as a straightforward reader finds them."""
    found = ET.fromstring(body).iter()  # noqa: S314  # our own bytes
    return [(each.tag.rpartition("}")[2], each.text) for each in found if each.text]


def _figure(
    options: Options,
    name: str,
    reference: str,
    ours: Callable[[], object],
    other: Callable[[], object],
) -> Figure:
    count = options.scaled(COUNT)
    found = take_turns(
        options.runs,
        {"ours": lambda: _microseconds(ours, count), "other": lambda: _microseconds(other, count)},
    )
    return Figure(name, "cpu-us", found["ours"], reference, found["other"])


def _microseconds(act: Callable[[], object], count: int) -> float:
    before = time.process_time()
    for _ in range(count):
        act()
    return 1e6 * (time.process_time() - before) / count

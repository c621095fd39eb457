"""Harnesses of the user's files, and of what is shown and kept of a peer's bytes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from lxml import etree

from caretaker import masking, quoting
from caretaker.cwmp import xml
from caretaker.data_model import dynamic_values
from caretaker.device import device_csv
from caretaker.errors import InputError
from caretaker.profiles import (
    bbf_data_model,
    bbf_syntax,
    dumped_identity,
    escaped_dump,
    genieacs_csv,
    genieacs_json,
    http_framing,
    importer,
    profile,
    profile_file,
    profile_toml,
    soap_dump,
)
from caretaker.reporting import (
    charts,
    comparability,
    comparison,
    comparison_text,
    kept_runs,
    report,
    runs_command,
    service_levels,
    summary_file,
    trend,
    trend_text,
)
from fuzz.harness import CONTROLS, LINE, Harness

# -- what is shown and kept -----------------------------------------------------------------------


def _masked_body(data: bytes) -> object:
    """What parsed before parses as before, with the mask in place of each secret."""
    shown = masking.masked_body(data)
    before, after = _root(data), _root(shown)
    if before is None or shown == masking.UNREAD:
        return shown
    assert after is not None
    assert [xml.local(each) for each in before.iter()] == [xml.local(each) for each in after.iter()]
    text = data.decode("latin-1")
    has_url = masking.masked(text) != text
    for (is_secret, was), (_, now) in zip(_texts(before), _texts(after), strict=True):
        assert now == masking.MASK or not is_secret or not was.strip()
        assert now == was or is_secret or has_url
    return shown


def _root(data: bytes) -> etree._Element | None:
    """The root of a document; None where it is none, has entities or another encoding."""
    if b"<!DOCTYPE" in data or b"encoding" in data:
        return None
    try:
        return etree.fromstring(data, xml.hardened_parser())
    except (etree.XMLSyntaxError, ValueError):
        return None


def _texts(
    element: etree._Element, *, in_secret: bool = False, is_value: bool = False
) -> Iterator[tuple[bool, str]]:
    """All names of elements, texts and attributes below an element, and whether each is secret."""
    attributes = {
        xml.local_name(str(name)): str(value) for name, value in element.items() if name != _XML_ID
    }
    has_secret = in_secret or any(map(masking.is_secret, attributes))
    yield from ((has_secret, value) for value in attributes.values())
    is_secret = in_secret or is_value or masking.is_secret(xml.local(element))
    yield is_secret, element.text or ""
    names = [_own_text(child) for child in element if xml.local(child).endswith("Name")]
    for child in element:
        is_value = xml.local(child).endswith("Value") and any(map(masking.is_secret, names))
        yield from _texts(child, in_secret=is_secret, is_value=is_value)
        yield is_secret, child.tail or ""


def _own_text(element: etree._Element) -> str:
    return "".join([element.text or "", *(child.tail or "" for child in element)])


_XML_ID = "{http://www.w3.org/XML/1998/namespace}id"
"""A name, which a mask is not."""


def _quotation(data: bytes) -> object:
    quoted = quoting.quotation(data)
    assert len(quoted) <= quoting.MAX_QUOTE
    assert not CONTROLS.search(quoted)
    return quoted, quoting.is_html(data)


def _masked_text(data: bytes) -> object:
    """A text or header that is shown has one line less secrets, and is shown the same again."""
    name, _, value = data.decode("latin-1").partition(":")
    shown = masking.masked(value)
    assert masking.masked(shown) == shown
    return shown, masking.masked_header(name.strip().lower(), value), quoting.quoted(value)


# -- profiles -------------------------------------------------------------------------------------


def _dump(data: bytes) -> object:
    return soap_dump.is_dump(data), soap_dump.read_dump([("dump", data)], profile.KNOWN).rows


def _csv(data: bytes) -> object:
    export = genieacs_csv.read_export("export", data, profile.KNOWN)
    return genieacs_csv.write_export(export), profile.build("export", export).oui


def _data_model(data: bytes) -> object:
    export, entries = bbf_data_model.read_definitions("model", data).device()
    return export.rows, entries


_EXPORT = genieacs_csv.read_export(
    "export",
    b"Parameter,Value,Value type,Writable\n"
    b"Device.DeviceInfo.ModelName,m,xsd:string,false\n"
    b"Device.WiFi.Radio.1.Channel,6,xsd:unsignedInt,true\n",
    profile.KNOWN,
)


def _devices(data: bytes) -> object:
    """Each device that can be read is found by its serial number, and no other is."""
    devices = device_csv.read_devices("devices", data)
    serials = [devices.serial_number(index) for index in range(len(devices))]
    assert [devices.index_of(serial) for serial in serials] == list(range(len(devices)))
    return [devices.text(0, column) for column in devices.columns], devices.profiles


def _profile_file(data: bytes) -> object:
    """What can be read makes a profile, or is refused in one line."""
    file = profile_toml.read_profile_file("profile", data)
    built = profile.build("profile", _EXPORT, file)
    return file, importer.description(built)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """One for all inputs of a process, which goes when that ends."""
    return tempfile.TemporaryDirectory(prefix="caretaker-fuzz-")


def _kept(name: str, data: bytes, read: Callable[[str], object]) -> object:
    """What is read of a file with these bytes; the name of its folder is no part of it."""
    folder = _folder().name
    file = Path(folder) / name
    file.write_bytes(data)
    try:
        return read(str(file))
    except InputError as error:
        raise InputError(str(error).replace(folder, "")) from error


def _imported_file(data: bytes) -> object:
    """What is imported is a profile in files of its own."""

    def read(file: str) -> object:
        imported = importer.import_files([file])
        target = Path(f"{file}-imported")
        try:
            return [path.name for path in importer.save(imported, str(target)).paths]
        finally:
            for suffix in ("csv", "toml"):
                target.with_suffix(f".{suffix}").unlink(missing_ok=True)

    return _kept("device", data, read)


# -- summaries and service levels -----------------------------------------------------------------


def _summary(data: bytes) -> object:
    return _kept("summary.json", data, summary_file.read_known)


def _compared_summary(data: bytes) -> object:
    """A summary that can be read can be shown, and compared with others."""

    def read(file: str) -> object:
        read = summary_file.read_known(file)
        other = summary_file.read_summary(str(_OTHER))
        compared = comparison.compare(read, other)
        runs = [kept_runs.KeptRun(name, read) for name in ("a", "b", "c", "d", "e")]
        judged = trend.trend(runs, [], 5, 0.1)
        charts.of_two(read, other)
        return (
            list(map(str, comparability.differences(read, other))),
            comparison_text.as_text(compared, ["a", "b"]),
            comparison_text.as_markdown(compared, ["a", "b"]),
            trend_text.as_text(judged),
            runs_command.listing(runs),
            len(report.page(read)),
        )

    return _kept("summary.json", data, read)


_OTHER = Path(__file__).parents[1] / "tests" / "corpus" / "summary" / "whole"


def _service_level(data: bytes) -> object:
    level = service_levels.ServiceLevel.parse(data.decode("latin-1"))
    assert service_levels.ServiceLevel.parse(str(level)) == level
    return level


def _service_levels_file(data: bytes) -> object:
    return _kept("levels", data, service_levels.read_levels)


FILES: dict[str, Harness] = {
    "masked_body": Harness(_masked_body, (masking,)),
    "masked_text": Harness(_masked_text, (masking, quoting), max_bytes=LINE),
    "quotation": Harness(_quotation, (quoting,)),
    "dump": Harness(_dump, (soap_dump, http_framing), (InputError,)),
    "csv": Harness(_csv, (genieacs_csv, profile, dumped_identity), (InputError,)),
    "devices": Harness(_devices, (device_csv,), (InputError,)),
    "data_model": Harness(_data_model, (bbf_data_model, bbf_syntax), (InputError,)),
    "profile_file": Harness(
        _profile_file, (profile_toml, profile_file, dynamic_values), (InputError,)
    ),
    "imported_file": Harness(
        _imported_file, (importer, genieacs_json, escaped_dump), (InputError,)
    ),
    "summary": Harness(_summary, (summary_file,), (InputError,)),
    "compared_summary": Harness(
        _compared_summary,
        (comparison, comparability, comparison_text, trend, report),
        (InputError,),
    ),
    "service_level": Harness(_service_level, (service_levels,), (InputError,), max_bytes=LINE),
    "service_levels_file": Harness(_service_levels_file, (service_levels,), (InputError,)),
}
"""The harnesses by their names."""

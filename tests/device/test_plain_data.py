"""Records as plain data: written and read by the types of their fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest

from caretaker.cwmp import messages as m
from caretaker.device.plain_data import plain_codec
from caretaker.device.transfer_record import Transfer, TransferState

DOWNLOAD = m.Download("key", "1 Firmware Upgrade Image", "http://acs/x")
INSTALL = m.InstallOpStruct("http://acs/x", "uuid")


class Kinds(NamedTuple):
    text: str
    number: float = 0.5
    flag: bool = False
    octets: bytes = b""
    texts: tuple[str, ...] = ()
    by_number: Mapping[int, tuple[bool, ...]] = {}


@pytest.mark.parametrize(
    ("hint", "value", "plain"),
    [
        (Kinds, Kinds("a"), ["a"]),
        (Kinds, Kinds("a", octets=b"b"), ["a", 0.5, False, b"b"]),
        (
            Kinds,
            Kinds("a", 1.0, True, b"", ("b",), {3: (True,)}),
            ["a", 1.0, True, b"", ["b"], {3: [True]}],
        ),
        (m.Request, DOWNLOAD, ["Download", "key", "1 Firmware Upgrade Image", "http://acs/x"]),
        (m.Request, m.GetRPCMethods(), ["GetRPCMethods"]),
        (
            m.Request,
            m.ChangeDUState((INSTALL,)),
            ["ChangeDUState", [["InstallOpStruct", "http://acs/x", "uuid"]]],
        ),
        (
            Transfer,
            Transfer(1, DOWNLOAD, 2.0, TransferState.COMPLETED),
            [1, ["Download", "key", "1 Firmware Upgrade Image", "http://acs/x"], 2.0, 3],
        ),
    ],
)  # fmt: skip
def test_a_record_is_a_list_without_the_defaults_at_its_end(
    hint: Any, value: object, plain: object
) -> None:
    codec = plain_codec(hint)
    assert codec.write(value) == plain
    assert codec.read(plain) == value


@pytest.mark.parametrize(
    ("hint", "plain"),
    [
        (Kinds, []),
        (Kinds, "a"),
        (Kinds, {"text": "a"}),
        (Kinds, [1]),
        (Kinds, ["a", "b"]),
        (Kinds, ["a", 0.5, 1]),
        (Kinds, ["a", 0.5, True, b"", [], {"3": []}]),
        (Kinds, ["a", 0.5, False, b"", [], {}, "too many"]),
        (m.Request, ["NoSuchRequest"]),
        (m.Request, []),
        (Transfer, [1, ["Reboot", "key"], 2.0]),
        (Transfer, [1, ["Download", "key", "", ""], 2.0, 99]),
    ],
)
def test_what_is_of_another_type_is_refused(hint: Any, plain: object) -> None:
    with pytest.raises((TypeError, ValueError, LookupError)):
        plain_codec(hint).read(plain)


@pytest.mark.parametrize("name", sorted(m.REQUESTS))
def test_every_request_has_a_plain_form(name: str) -> None:
    kind: Any = m.REQUESTS[name]
    plain_codec(kind)

"""No identifying value of a real device's dump is in anything that its CPEs send."""

from __future__ import annotations

import csv
import re
from base64 import b64encode
from ipaddress import ip_address
from pathlib import Path

import pytest
from helpers.cpes import context

from caretaker.cwmp import ACSSession
from caretaker.cwmp import messages as m
from caretaker.device.cpe import CPE
from caretaker.profiles import load_profile
from caretaker.testing import ScriptedACS

DUMPS = (
    "huawei-bm632w.tr098.csv", "zte-h199a.tr098.csv", "tplink-ec220-g5.tr181.csv",
    "tplink-ex220.tr181.csv",
)  # fmt: skip
NAMES = re.compile(
    r".*(password|passphrase|presharedkey|wepkey|psk|username|jabberid|hostname|clientid"
    r"|serialnumber|deviceid|groupid|identity)|ssid|.*_ssid",
    re.IGNORECASE,
)
MAC = re.compile(r"\b(?:[0-9A-F]{2}[:-]){5}[0-9A-F]{2}\b", re.IGNORECASE)
IPV4 = re.compile(r"\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b")
HEX = re.compile(r"(?<![0-9a-z])(?=[0-9]*[a-f])[0-9a-f]{12}(?![0-9a-z])", re.IGNORECASE)
ACCOUNT = re.compile(r"\S+@\S+\.\S+")
WAN = re.compile(r".*(ExternalIPAddress|IPCP\.LocalIPAddress|DHCPv4\.Client\.[0-9]+\.IPAddress)")
CREDENTIALS = ("Username", "Password", "ConnectionRequestUsername", "ConnectionRequestPassword")
NOBODY = re.compile(r"[0-9.]{0,7}|(00|ff)(:(00|ff)){5}|Unknown|SSID[0-9]", re.IGNORECASE)
"""Values that many devices have: a default, or what stands for none."""


class Everything(ScriptedACS):
    """The ACS of a session that asks for all there is."""

    def __init__(self) -> None:
        super().__init__()
        self._requests: list[m.Request] = [
            m.GetParameterNames("", False),
            m.GetParameterValues(("",)),
            m.GetParameterAttributes(("",)),
        ]

    def next_request(self) -> m.Request | None:
        return self._requests.pop(0) if self._requests else None


def sent(file: Path, index: int) -> str:
    """All bytes that a CPE of a dump sends in its first session, and its credentials."""
    box = CPE(index, load_profile(str(file)), context())
    box.power_on(0.0)
    session = box.begin_session(0.0)
    assert session is not None
    acs, posts = ACSSession(Everything()), []
    while (body := session.next_post()) is not None:
        posts.append(body)
        session.receive(acs.receive(body), 1.0)
    shown = [box.management_value(last, 1.0) for last in CREDENTIALS]  # bodies have no passwords
    return "\n".join([*(post.decode() for post in posts), *shown]).lower()


def identifying(file: Path) -> set[str]:
    """The identifying values of a dump, found by other rules than those that replace them."""
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = [{key.lower(): value for key, value in row.items() if key and value is not None}
                for row in csv.DictReader(opened)]  # fmt: skip
    found: set[str] = set()
    for row in rows:
        path, value = row["parameter"], row["value"].strip()
        if path.startswith(("Device.", "InternetGatewayDevice.", "DeviceID.SerialNumber")):
            found.update(MAC.findall(value), HEX.findall(value), ACCOUNT.findall(value))
            found.update(text for text in IPV4.findall(value) if is_global(text))
            if NAMES.fullmatch(path.rpartition(".")[2]) or WAN.fullmatch(path):
                found.add(value)
            if ":" in value and is_global(value.partition("/")[0]):
                found.add(value.partition("/")[0])
    serials = {row["value"] for row in rows if row["parameter"].endswith(".SerialNumber")}
    models = {row["value"] for row in rows if row["parameter"].endswith(".ModelName")}
    found = {text for text in found - models if not NOBODY.fullmatch(text)}
    found |= {serial for serial in serials if len(serial) > 5}
    return {form.lower() for text in found for form in (text, *other_forms(text))}


def other_forms(text: str) -> list[str]:
    """How a device may write a value elsewhere: bare, in other notations, encoded."""
    forms = [
        text.encode().hex(),
        *(b64encode(text.encode()[cut:]).decode()[:-4] for cut in (0, 1, 2)),
    ]
    digits = re.sub("[:-]", "", text)
    if MAC.fullmatch(text) or HEX.fullmatch(text):
        pairs, quads = ([digits[at : at + size] for at in range(0, 12, size)] for size in (2, 4))
        forms += [digits, ":".join(pairs), "-".join(pairs), ".".join(quads)]
        forms += [digits[6:]] if not digits[6:].startswith("0000") else []
    elif IPV4.fullmatch(text):
        forms += [str(int(ip_address(text))), f"{int(ip_address(text)):08x}"]
    return [form for form in forms if len(form) >= 6]


def is_global(text: str) -> bool:
    try:
        return ip_address(text).is_global
    except ValueError:
        return False


@pytest.mark.parametrize("name", DUMPS)
def test_nothing_that_a_cpe_sends_identifies_the_dumped_device(name: str, devices: Path) -> None:
    values = identifying(devices / name)
    assert len(values) >= 5
    for index in (0, 1, 0xABC):
        bodies = sent(devices / name, index)
        assert bodies.count("<value") > 500
        for value in values:  # short ones are part of words
            text = value if len(value) >= 6 else f">{value}<"
            assert text not in bodies, name

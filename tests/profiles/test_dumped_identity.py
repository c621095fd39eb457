"""A dump is never a way to a real customer: what identifies the exported device is not sent."""

from __future__ import annotations

import re
from base64 import b64encode
from pathlib import Path

import pytest
from helpers.cpes import context, read_profile

from caretaker.__main__ import main
from caretaker.device.cpe import CPE
from caretaker.profiles.dumped_identity import FOUND_IN_VALUES, RULES, SWITCHED_OFF

SERIAL, MAC = "XK99Z0815", "9C:A2:F4:0A:0B:0C"
CASES = {
    "UDP and STUN": [("ManagementServer.UDPConnectionRequestAddress", "10.1.2.3:7547"),
                     ("ManagementServer.STUNUsername", "subscriber7")],
    "XMPP account": [("ManagementServer.ConnReqJabberID", "box7@xmpp.isp.example/cwmp"),
                     ("ManagementServer.ConnReqXMPPConnection", "Device.XMPP.Connection.1."),
                     ("ManagementServer.ConnReqAllowedJabberIDs", "acs7@xmpp.isp.example"),
                     ("XMPP.Connection.1.Username", "subscriber7"),
                     ("XMPP.Connection.1.JabberID", "box7@xmpp.isp.example")],
    "URL of the ACS": [("ManagementServer.KickURL", "http://kick.isp.example/box7")],
    "password or key": [("X.AdminPassword", "Tr0ub4dor"), ("WiFi.AP.1.WPAKey", "correcthorse"),
                        ("X.X_ACME_WPSPIN", "12345670"), ("Optical.LOID", "4711-0815")],
    "account": [("PPP.Interface.1.Username", "anna.muster@isp.example"),
                ("MQTT.Client.1.ClientID", "subscriber7"),
                ("OperatorProfile.1.EAPProfile.1.Identity", "subscriber7"),
                ("LocalAgent.EndpointID", "ops::00AABB-anna7"),
                ("X.Peer", "via anna.muster+7@10.1.2.3, eth1@0"),
                ("X.RealmUser", "9CA2F40A0B0C@isp.example")],
    "line or SIM": [("Cellular.Interface.1.IMEI", "490154203237518"),
                    ("Services.VoiceService.1.Line.1.DirectoryNumber", "+4930123456"),
                    ("Services.VoiceService.1.Line.1.SIP.URI", "sip:anna7@isp.example")],
    "certificate": [("Security.Certificate.1.X_PublicKey", "MIIBCgKCAQEAx"),
                    ("Security.Certificate.1.SerialNumber", "0A:0B:0C:0D:EE")],
    "serial number": [("DeviceInfo.SerialNumber", SERIAL), ("X.Label", f"ACME/{SERIAL.lower()}/1"),
                      ("Optical.Interface.1.GPONSN", "ABCD12345678"),
                      ("DHCPv4.Client.1.SentOption.1.Value", f"0009{SERIAL.encode().hex()}"),
                      ("X.OptionValue", b64encode(f"00AABB-{SERIAL}".encode()).decode())],
    "network name": [("WiFi.SSID.1.SSID", "Anna and Bob"),
                     ("WiFi.NeighboringWiFiDiagnostic.Result.1.SSID", "Smith Family"),
                     ("X.X_ACME_GuestSSID", "Anna's guests")],
    "name of a host": [("Hosts.Host.1.HostName", "annas-iphone"),
                       ("DynamicDNS.Client.1.Hostname.1.Name", "anna7.dyn.example"),
                       ("X.DDNSConfig.DomainName", "anna7.dyn.example")],
    "place": [("DeviceInfo.Location.1.DataObject", "<civic>Hauptstr. 5</civic>"),
              ("X.Latitude", "52.520008")],
    "log": [("DeviceInfo.DeviceLog", "anna7 logged in")],
    "MAC address": [("Ethernet.Interface.1.MACAddress", MAC), ("X.Bare", "box-9ca2f40a0b0c"),
                    ("X.Listed", f"{MAC.lower()},aa-bb-cc-dd-ee-ff"),
                    ("X.Station", "sta 1c61B4379E1e"), ("X.Dotted", "1c61.b437.9e1e")],
    "WAN address": [("IP.Interface.1.IPv4Address.1.IPAddress", "10.20.30.40"),
                    ("X.Gateway", "via 10.20.30.40/8")],
    "IP address": [("DNS.Client.Server.1.DNSServer", "5.42.195.218"),
                   ("IP.Interface.1.IPv6Address.1.IPAddress", "2a02:810d:1234::7/64"),
                   ("X.LinkLocal", "fe80::9ea2:f4ff:fe0a:b0c")],
    "URL with a login": [("X.FirmwareURL", "ftp://anna7:geheim@files.isp.example/a"),
                         ("X.UploadURL", "https://files.isp.example/up?box=anna7")],
    "identifier": [("X.CloudID", "80312319780DC1F1E327773441F140432016B481"),
                   ("X.Group", "of 5a49c97e-5691-6ed1-02bf-8b576a09e74c")],
}  # fmt: skip
KEPT = {
    "X.Text": "Hello {world}",
    "X.LAN": "192.168.1.1",
    "X.None": "0.0.0.0",
    "X.Mask": "255.255.255.0",
    "X.Version": "1.2.3",
    "X.Own": "fe80::1",
    "X.NoMAC": "00:00:00:00:00:00",
    "X.DocumentationURL": "https://acme.example/help",
    "DeviceInfo.ModelName": "R-1",
    "X.UserCount": "3",
    "X.Mask2": "f" * 32,
    "X.Categories": "211111122201000002200000002000000000",
    "X.Counted": "202311280815",
    "X.Bridge": "eth1@0",
    "X.Release": "1000.2000.3000",
    "X.EmptyMAC": "00 ffffffffffff",
    "SoftwareModules.DeploymentUnit.1.UUID": "5a49c97e-5691-6ed1-02bf-8b576a09e74d",
}


def dump(**more: str) -> str:
    rows = [row for rows in CASES.values() for row in rows]
    types = {"X.OptionValue": "xsd:base64Binary"}
    lines = [
        f'Device.{path},"{value}",{types.get(path, "xsd:string")}'
        for path, value in [*rows, *KEPT.items()]
    ]
    lines += [f"Device.ManagementServer.{last},1,xsd:boolean" for last in SWITCHED_OFF]
    lines += [f"Device.{path},{value},xsd:unsignedInt" for path, value in more.items()]
    return "\n".join(["Parameter,Value,Value type", *lines])


def cpe(index: int = 0, text: str = "") -> CPE:
    box = CPE(index, read_profile("dump.csv", (text or dump()).encode()), context())
    box.power_on(0.0)
    return box


def test_every_kind_has_its_cases() -> None:
    assert set(CASES) == {rule.kind for rule in RULES} | set(FOUND_IN_VALUES)


@pytest.mark.parametrize("kind", CASES)
def test_a_kind_is_replaced_by_each_cpes_own_or_blanked(kind: str) -> None:
    boxes = cpe(0), cpe(1)
    kinds = {each.path: each.kind for each in boxes[0].profile.replaced}
    for last, dumped in CASES[kind]:
        path = f"Device.{last}"
        own, other = (box.value(path, 1.0) for box in boxes)
        assert dumped.lower() not in own.lower(), path
        assert own == "" or own != other or kind == "IP address", path
        if path != "Device.DeviceInfo.SerialNumber":
            assert kinds[path] == kind


def test_what_identifies_nobody_stays() -> None:
    box = cpe()
    assert {path: box.value(f"Device.{path}", 1.0) for path in KEPT} == KEPT


def test_udp_is_switched_off() -> None:
    box = cpe()
    values = {box.value(f"Device.ManagementServer.{last}", 1.0) for last in SWITCHED_OFF}
    assert values == {"0"}


def test_types_stay() -> None:
    box = cpe(text=dump(**{"X.PIN": "12345670", "X.PSK": "7"}))
    assert box.read("Device.X.PIN", 1.0) == ("Device.X.PIN", "0", "xsd:unsignedInt")


def test_no_cpe_has_the_mac_address_of_the_dump() -> None:
    path = "Device.Ethernet.Interface.1.MACAddress"
    index = int(MAC.replace(":", "")[6:], 16) // 16
    assert cpe(index).value(path, 1.0).startswith("9C:A2:F4:0A:0B:0")
    assert cpe(index).value(path, 1.0) != MAC


def test_check_lists_what_was_replaced_without_the_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "dump.csv"
    file.write_text(dump())
    assert main(["profile", "check", str(file)]) == 0
    text = capsys.readouterr().out
    assert "XMPP account: 5\n  Device.ManagementServer.ConnReqJabberID = (blank)" in text
    assert "MAC address: 5\n  Device.Ethernet.Interface.1.MACAddress = mac" in text
    dumped = {value for rows in CASES.values() for _, value in rows if "Device." not in value}
    assert not [value for value in dumped if value in text]
    file.write_text("Parameter,Value\nDevice.X.Y,5\n")
    assert main(["profile", "check", str(file)]) == 0
    assert capsys.readouterr().out == "Nothing was replaced\n"


def test_the_documentation_lists_the_kinds(root: Path) -> None:
    text = (root / "docs/profiles.md").read_text()
    table = text.partition("## A dump and its customer")[2].partition("\n#")[0]
    rows = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
    assert set(rows[1:]) == set(CASES)

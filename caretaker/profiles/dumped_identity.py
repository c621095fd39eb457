"""
What of an export belongs to the exported device alone, and what takes its place.

A dump must never be a way to a real customer: whatever an ACS could reach or impersonate the device
by, or find its people and its place by, is replaced with a value of each CPE's own, or blanked.
``RULES`` lists the kinds; ``caretaker profile check`` shows what they did to a file.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

from caretaker.data_model.parameter import Row
from caretaker.data_model.templates import TEMPLATE
from caretaker.data_model.types import TYPES, known_type
from caretaker.plain_numbers import is_digits

SHORTEST_SERIAL = 6
"""Characters of a serial number that is looked for in other values; shorter ones are anywhere."""
WHAT_IT_IS = ("Manufacturer", "ManufacturerOUI", "ProductClass")
"""Parameters of DeviceInfo that are the same for all devices of a kind, whatever they look like."""


class Replacement(NamedTuple):
    """A parameter whose value was replaced: of which kind it was, and what each CPE has now."""

    path: str
    kind: str
    by: str


class Anonymous(NamedTuple):
    """Rows without the identity of the device that they were exported from."""

    rows: list[Row]
    replacements: tuple[Replacement, ...]


class Rule(NamedTuple):
    """
    A kind of identifying values that the name of a parameter tells.

    Args:
        kind: for people.
        names: of parameters, in full and in any case.
        by: the template of what each CPE has; ``{n}`` is the number of its row. Empty: nothing.
        within: a part of the path that the parameter must be below.
    """

    kind: str
    names: re.Pattern[str]
    by: str = ""
    within: str = ""


def _names(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?:X_[A-Z0-9-]+_)?(?:{pattern})", re.IGNORECASE)


RULES = (
    Rule("UDP and STUN", _names("UDPConnectionRequestAddress|STUN(ServerAddress|Username|Password)"
                                "|UDPLightweightNotificationHost")),
    Rule("XMPP account", _names("ConnReq(XMPPConnection|AllowedJabberIDs)|.*JabberID")),
    Rule("XMPP account", _names("Username|Domain|Resource|ServerAddress"), within=".XMPP."),
    Rule("URL of the ACS", _names("KickURL|DownloadProgressURL|LastRegisterURL")),
    Rule("password or key", _names(
        ".*(password|passwd|passphrase|pwd|psk|secret|token|(shared|wep|wpa|private|pre|auth|api|"
        "encryption|security)_?key|community|pin(code)?|puk)[0-9]*|(PLOAM|LOID|Registration).*"
    ), "{secret}"),
    Rule("account", _names(
        ".*(User|Admin)_?(Name|ID)?[0-9]*|.*(Login|Account|Client|Subscriber|Customer)_?(Name|ID)"
        "|(Circuit|Remote)ID|.*E-?mail.*|.*Identity"
    ), "{serial}"),
    Rule("account", _names("EndpointID"), "os::{oui}-{serial}", within="LocalAgent.EndpointID"),
    Rule("line or SIM", _names(
        ".*(IMEI|IMSI|ICCID|MSISDN|MEID)|EID|.*(Phone|Directory|Calling|Called|SIP_?URI).*|URI"
    )),
    Rule("certificate", _names(".*(Certificate|CertificateValue|PublicKey|Fingerprint)|CSR|Cert")),
    Rule("certificate", _names("SerialNumber|Subject.*|Issuer"), within="Certificate."),
    Rule("serial number", _names("(GPON|ONT|ONU|PON)?_?(SerialNumber|SN)|DUID|IAID"), "{serial}"),
    Rule("network name", _names(
        "((Guest|Home|Main|Default|Factory|Previous|Root|Mesh|Backhaul|Fronthaul|WLAN|Wi-?Fi|Wireless)"
        "_?)?E?SSID(_?Name)?[0-9]?|(WLAN|Wi-?Fi|Wireless)_?Network_?Name"
    ), "WiFi-{n}-{{mac_tail}}"),
    Rule("name of a host", _names(
        "(Host|Device|Friendly|Computer|NetBIOS|Client|Station|Nick|Instance)_?Name"
    ), "host-{n}-{{mac_tail}}"),
    Rule("name of a host", _names("Name"), "host-{n}-{{mac_tail}}", within=".Hostname."),
    Rule("name of a host", _names("Domain(_?Name)?"), "host-{n}-{{mac_tail}}", within="DNS"),
    Rule("place", _names("GPS.*|.*(Latitude|Longitude|Altitude)|.*CivicAddress|DataObject")),
    Rule("log", _names("DeviceLog|.*(Sys|System|Event|Call|Security)Log")),
)  # fmt: skip
"""The kinds of identifying values that a name tells; the first that names a parameter holds."""
SWITCHED_OFF = ("NATDetected", "STUNEnable")
"""Switches with which an ACS sends UDP to an address (TR-069 annex G)."""
FOUND_IN_VALUES = (
    "serial number", "MAC address", "WAN address", "IP address", "URL with a login", "account",
    "identifier",
)  # fmt: skip
"""The kinds that a value itself tells, whatever the name of its parameter."""


_ANY_NAME = re.compile("|".join(rule.names.pattern for rule in RULES), re.IGNORECASE)


@lru_cache(4096)
def _rules_of(name: str) -> tuple[Rule, ...]:
    if _ANY_NAME.fullmatch(name) is None:  # nearly all of a model
        return ()
    return tuple(rule for rule in RULES if rule.names.fullmatch(name))


_MAC = r"(?<![0-9A-Fa-f:-])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![:-]?[0-9A-Fa-f])"
_ONLY_MAC = re.compile(r"([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}")
_IPV4 = r"(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9]|\.[0-9])"
_IPV6 = r"(?<![0-9A-Za-z:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![0-9A-Za-z:])"
_UUID = r"(?<![0-9A-Za-z-])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Za-z-])"
_DIGITS = r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{12}|[0-9A-Fa-f]{32,}+)(?![0-9A-Za-z])"
_DOTTED_MAC = r"(?<![0-9A-Za-z.])(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}(?![0-9A-Za-z.])"
_ACCOUNT = r"(?<![\w.+-])[\w.+-]++@[\w-]+(?:\.[\w-]+)+"
_IN_TEXTS = re.compile(
    f"(?P<account>{_ACCOUNT})|(?P<uuid>{_UUID})|(?P<digits>{_DIGITS}|{_DOTTED_MAC})"
    f"|(?P<mac>{_MAC})|(?P<ipv4>{_IPV4})|(?P<ipv6>{_IPV6})"
)
_OF_SOFTWARE = re.compile(r"\.DeploymentUnit\.[0-9]+\.UUID\Z")
"""Software has the same UUID on all devices, and an ACS updates it by that."""
_LOGIN_URL = re.compile(r"[a-z][a-z0-9+.-]{1,20}://(?:[^/\s]*@|\S*[?;])", re.IGNORECASE)
_NO_MAC = {"000000000000", "ffffffffffff"}
_MAC_DIGITS = 12
_VARIED = 8
"""Different digits of a long number that is no bit mask or pattern."""
_NO_ADDRESS = ("", "0.0.0.0")  # noqa: S104
_NOTHING = ("", "0", "false")
_OWN_NUMBERS = 16
"""MAC addresses of a vendor that ``Identities.mac_tail`` counts; later ones are random."""


@dataclass
class DumpedIdentity:
    """
    The identity of an exported device, as its rows show it.

    Args:
        serials: its serial numbers.
        wan: its addresses towards the ISP.
        macs: the number of each MAC address among those of its vendor.
        is_real: whether the device is; one that was made up has no customer to be kept from.
    """

    serials: frozenset[str]
    wan: frozenset[str]
    macs: Mapping[str, int]
    is_real: bool = True
    replacements: list[Replacement] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Look for serial numbers in any text, and for the MAC addresses without colons."""
        self._bare_macs = {_without_separators(mac) for mac in self.macs}
        serials = [serial.encode() for serial in self.serials]
        texts = {*self.serials, *self._bare_macs, *(serial.hex() for serial in serials)}
        known = "|".join(map(re.escape, sorted(texts, key=len, reverse=True)))
        self._texts = re.compile(known or r"(?!)", re.IGNORECASE)
        self._octets = [*serials, *map(bytes.fromhex, self._bare_macs)]

    def replace(self, row: Row) -> Row:
        """A row with what takes the place of its value; the row itself if it identifies nobody."""
        value = row.value
        if row.is_object or value in _NOTHING or _OF_SOFTWARE.search(row.path):
            return row
        known = self._source_of(value)
        if known is not None:
            self.replacements.append(Replacement(row.path, *known))
            return row._replace(source=known[1], number=self.macs.get(value.lower(), 0))
        if not self.is_real or known_type(row.type) == "xsd:boolean":
            return row._replace(value="0") if row.path.endswith(SWITCHED_OFF) else row
        for rule in _rules_of(row.path.rpartition(".")[2]):
            if rule.within in row.path:
                return self._ruled(row, rule)
        return self._cleared(row) if len(value) >= SHORTEST_SERIAL else row

    def marked(self, row: Row, mark: str) -> Row:
        """A row that has a mark of the fleet, whatever the device had."""
        if row.value not in ("", mark):
            self.replacements.append(Replacement(row.path, "provisioning code", mark))
        return row._replace(value=mark)

    def _source_of(self, value: str) -> tuple[str, str] | None:
        """The kind and the source of a value that is an identifier and nothing else."""
        if value in self.serials:
            return "serial number", "serial_number"
        if value in self.wan:
            return "WAN address", "wan_ip"
        return ("MAC address", "mac") if value.lower() in self.macs else None

    def _ruled(self, row: Row, rule: Rule) -> Row:
        by = rule.by.format(n=_instance(row.path)) if "{n}" in rule.by else rule.by
        return self._templated(row, rule.kind, by)

    def _cleared(self, row: Row) -> Row:
        """A row with templates in the places of what identifies somebody in its text."""
        if _LOGIN_URL.match(row.value):
            return self._templated(row, "URL with a login", "")
        octets = _octets(row)
        if any(known in octets for known in self._octets):
            return self._templated(row, "serial number", "")
        kinds: list[str] = []
        text = row.value.replace("{", "{{").replace("}", "}}")
        n = _instance(row.path)
        text = _IN_TEXTS.sub(lambda found: self._found(found, kinds, n), text)
        text = self._texts.sub(lambda found: self._known(found[0], kinds), text)
        return self._templated(row, kinds[0], text) if kinds else row

    def _known(self, text: str, kinds: list[str]) -> str:
        is_mac = text.lower() in self._bare_macs
        kinds.append("MAC address" if is_mac else "serial number")
        return "{oui}{mac_tail}" if is_mac else "{serial}"

    def _found(self, found: re.Match[str], kinds: list[str], n: int) -> str:
        """What takes the place of what was found in a text; the text itself if it is nobody's."""
        text, group = found[0], found.lastgroup
        if group == "uuid":
            kinds.append("identifier")
            return f"{n:08x}-0000-4000-8000-{{index:012x}}"
        if group == "account":
            kinds.append("account")
            return "{serial}@isp.example"
        if group == "digits":
            return self._digits(text, kinds)
        return self._mac(text, kinds) if group == "mac" else self._address(text, kinds, n)

    def _digits(self, text: str, kinds: list[str]) -> str:
        """What takes the place of hexadecimal digits: a MAC address, or a long number."""
        digits = text.replace(".", "").lower()
        if len(digits) > _MAC_DIGITS:
            if len(set(digits)) < _VARIED:
                return text
            kinds.append("identifier")
            return "{secret}"
        is_mac = not is_digits(digits) or digits[:6] in {mac[:6] for mac in self._bare_macs}
        if not is_mac or digits in _NO_MAC:
            return text
        kinds.append("MAC address")
        return "{oui}{mac_tail}"

    def _address(self, text: str, kinds: list[str], n: int) -> str:
        if text in self.wan:
            kinds.append("WAN address")
            return "{ip}"
        try:
            address = ip_address(text)
        except ValueError:
            return text
        if not _identifies(address):
            return text
        kinds.append("IP address")
        number = (n + len(kinds)) % 250
        return f"2001:db8::{number:x}" if address.version == 6 else f"192.0.2.{number}"

    def _mac(self, text: str, kinds: list[str]) -> str:
        if _without_separators(text.lower()) in _NO_MAC:
            return text
        kinds.append("MAC address")
        return "{mac}"

    def _templated(self, row: Row, kind: str, by: str) -> Row:
        """A row with a template if its type takes one, else with the null of its type."""
        data_type = known_type(row.type)
        takes = data_type in ("xsd:string", "") or (
            data_type == "xsd:hexBinary" and by == "{secret}"
        )
        if by and takes:
            self.replacements.append(Replacement(row.path, kind, by))
            return row._replace(value=by, source=TEMPLATE)
        self.replacements.append(Replacement(row.path, kind, ""))
        return row._replace(value=TYPES[data_type].default)


def _without_separators(mac: str) -> str:
    return re.sub("[:-]", "", mac)


def _octets(row: Row) -> bytes:
    """The octets of a binary value; none of any other."""
    try:
        if known_type(row.type) == "xsd:hexBinary":
            return bytes.fromhex(row.value)
        return b64decode(row.value) if known_type(row.type) == "xsd:base64Binary" else b""
    except ValueError:
        return b""


def _instance(path: str) -> int:
    """The number of the row that a parameter is in; 1 outside of tables."""
    parts = reversed(path.split("."))
    return next((int(part) for part in parts if is_digits(part)), 1)


def _identifies(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address may be a way to a device: it is global, or holds its MAC address."""
    if address.version == 4:
        return address.is_global and not address.is_multicast
    return (address.is_global and not address.is_multicast) or address.packed[11:13] == b"\xff\xfe"


def identity_of(
    serials: Iterable[str], wan: Iterable[str], rows: Sequence[Row], *, is_real: bool
) -> DumpedIdentity:
    """The identity of the device of some rows."""
    known = frozenset(serial for serial in serials if len(serial) >= SHORTEST_SERIAL)
    macs = _number_macs({row.value.lower() for row in rows}, avoided=is_real)
    return DumpedIdentity(known, frozenset(wan), macs, is_real)


def _number_macs(values: Iterable[str], *, avoided: bool) -> dict[str, int]:
    """
    The MAC addresses among the values, each with its number among those of its vendor.

    Args:
        values: in lower case.
        avoided: whether no number may give a CPE one of these addresses.
    """
    vendors: dict[str, list[str]] = {}
    for mac in sorted(value for value in values if len(value) == 17):
        if _ONLY_MAC.fullmatch(mac) and _without_separators(mac) not in _NO_MAC:
            vendors.setdefault(mac[:8].replace("-", ":"), []).append(mac)
    return {
        mac: number
        for macs in vendors.values()
        for mac, number in zip(macs, _numbers(macs, avoided=avoided), strict=True)
    }


def _numbers(macs: Sequence[str], *, avoided: bool) -> list[int]:
    """Numbers that are none of a last digit there: what a CPE makes of them ends otherwise."""
    taken = {int(mac[-1], 16) for mac in macs} if avoided else set()
    free = [number for number in range(_OWN_NUMBERS) if number not in taken]
    return [*free, *range(_OWN_NUMBERS, _OWN_NUMBERS + len(macs))][: len(macs)]


# -- for people -----------------------------------------------------------------------------------

_EXAMPLES = 5


def listed(replacements: Iterable[Replacement]) -> list[str]:
    """What was replaced, by kind, in lines; without the values."""
    by_kind: dict[str, list[Replacement]] = {}
    for replacement in replacements:
        by_kind.setdefault(replacement.kind, []).append(replacement)
    lines = []
    for kind, those in by_kind.items():
        lines.append(f"{kind}: {len(those)}")
        lines += [f"  {each.path} = {each.by or '(blank)'}" for each in those[:_EXAMPLES]]
        lines += [f"  ... and {len(those) - _EXAMPLES} more"] if len(those) > _EXAMPLES else []
    return lines or ["Nothing was replaced"]

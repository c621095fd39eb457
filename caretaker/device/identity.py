"""
Who a CPE is: a pure function of the fleet's seed and its index in the fleet (decision D2).

Nothing of it is stored: a million CPEs cost nothing to name, and any worker can name any CPE.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from ipaddress import IPv4Network
from random import Random
from struct import Struct

from caretaker.errors import InputError
from caretaker.plain_numbers import is_digits, shown

_WAN_POOL = IPv4Network("100.64.0.0/10")
"""The shared address space of carriers (RFC 6598): no one's public address."""
_MACS_PER_DEVICE = 16
_SECRET_BYTES = 10
_PER_DIGEST = 8
_NUMBERS = Struct(f">{_PER_DIGEST}Q")
_DIGITS, _MOST_DIGITS = 6, 12
"""Of a serial number: the least, and the most."""
LARGEST_SEED = 2**63
_PREFIX = re.compile(r"[A-Za-z0-9._-]{1,40}")
CHECK_SERIAL = "CHECK-000001"
"""That of the CPE which checks an ACS: always the same, so an ACS keeps one device."""
_SERIAL = re.compile(f"[0-9]{{{_DIGITS},{_MOST_DIGITS}}}", re.ASCII)


def serial_prefix(text: str) -> str:
    """
    Read the beginning of serial numbers: up to 40 characters that need no escaping in a path.

    Raises:
        InputError: the text is none.
    """
    if not _PREFIX.fullmatch(text):
        raise InputError(f"{shown(text)} is not 1 to 40 letters, digits, '.', '_' or '-'")
    return text


@dataclass(frozen=True)
class Identities:
    """
    The identities of a fleet.

    Args:
        seed: of the whole fleet; with it a run can be repeated.
        prefix: of the serial numbers, ``FLEET`` for ``FLEET-000001``.
    """

    seed: int = 0
    prefix: str = "FLEET"

    def serial_number(self, index: int) -> str:
        """The serial number of the CPE with this index, from 0: ``FLEET-000001`` is 0's."""
        return f"{self.prefix}-{str(index + 1).zfill(_DIGITS)}"  # cheaper than a format

    def index_of(self, serial_number: str) -> int | None:
        """The index of a serial number of this fleet, None if it can't be one."""
        digits = serial_number[len(self.prefix) + 1 :]
        index = int(digits) - 1 if _SERIAL.fullmatch(digits) else -1
        return index if index >= 0 and self.serial_number(index) == serial_number else None

    def starting_with(self, text: str) -> list[tuple[int, int]]:
        """
        The indices whose serial numbers begin so, as half-open ranges, lowest first.

        A number alone stands for the one serial number with it; nothing stands for all.
        """
        if is_digits(text):
            return [(int(text[:12]) - 1, int(text[:12]))] if int(text[:12]) else []
        head = f"{self.prefix}-"
        if head.startswith(text):
            return [(0, 10**_MOST_DIGITS)]
        digits = text.removeprefix(head)
        if not (text.startswith(head) and is_digits(digits)):
            return []
        ranges = []
        for width in range(max(_DIGITS, len(digits)), _MOST_DIGITS + 1):
            size = 10 ** (width - len(digits))
            first = max(int(digits) * size, 1 if width == _DIGITS else 10 ** (width - 1))
            if first < (int(digits) + 1) * size:
                ranges.append((first - 1, (int(digits) + 1) * size - 1))
        return ranges

    def secret(self, index: int, purpose: str) -> str:
        """A password: 20 hexadecimal digits that differ for every seed, index and purpose."""
        text = f"{self.prefix}/{index}/{purpose}".encode()
        return hashlib.blake2b(text, digest_size=_SECRET_BYTES, key=self._key).hexdigest()

    @property
    def _key(self) -> bytes:
        return str(self.seed).encode()[:64]

    def xmpp_username(self, index: int) -> str:
        """The name of an account at an XMPP server; these are in lower case (RFC 7622)."""
        return self.serial_number(index).lower()

    def random(self, index: int, purpose: str) -> Random:
        """A random generator for a CPE and a purpose, the same in each run with the seed."""
        return Random(f"{self.seed}/{index}/{purpose}")

    def fraction(self, index: int, purpose: str) -> float:
        """A random number in [0, 1) for a CPE and a purpose; cheaper than ``random``."""
        text = f"{self.prefix}/{index // _PER_DIGEST}/{purpose}".encode()
        numbers = _NUMBERS.unpack(hashlib.blake2b(text, key=self._key).digest())
        return float(numbers[index % _PER_DIGEST] >> 11) / (1 << 53)

    def fractions(self, indices: range, purpose: str) -> list[float]:
        """
        ``fraction`` of neighbouring CPEs, in a tenth of the time.

        A digest has room for the numbers of several CPEs, whose indices differ in the last bits.
        """
        keyed = hashlib.blake2b(key=self._key)
        start, end = f"{self.prefix}/".encode(), f"/{purpose}".encode()
        first, numbers = indices.start // _PER_DIGEST, list[int]()
        for group in range(first, -(-indices.stop // _PER_DIGEST)):
            digest = keyed.copy()
            digest.update(b"%b%d%b" % (start, group, end))
            numbers += _NUMBERS.unpack(digest.digest())
        at = indices.start - first * _PER_DIGEST
        return [(number >> 11) / (1 << 53) for number in numbers[at : at + len(indices)]]

    def mac_tail(self, index: int, number: int) -> str:
        """
        The last three octets of a MAC address, as six hexadecimal digits.

        ``number`` counts the addresses of one device with the same first octets, from 0. The
        first 16 of a device are its own up to the 1 048 576th; later ones are random.
        """
        if number < _MACS_PER_DEVICE:
            return f"{(index * _MACS_PER_DEVICE + number) % (1 << 24):06x}"
        return self.secret(index, f"mac {number}")[:6]

    def wan_ip(self, index: int, pool: IPv4Network | None = None) -> str:
        """
        The WAN address, out of a pool; addresses repeat when there are more CPEs than it has.

        Without a pool it is 100.64.0.0/10: own up to the 4 194 302nd CPE.
        """
        pool = pool or _WAN_POOL
        hosts = max(1, pool.num_addresses - 2)
        return str(pool[(1 + index % hosts) % pool.num_addresses])

"""How the CPEs of a fleet can be reached by Connection Requests: a mix of kinds."""

from __future__ import annotations

import re
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from itertools import accumulate
from math import sqrt
from typing import Self

from caretaker.device.identity import Identities
from caretaker.errors import InputError


class Reach(StrEnum):
    """How a CPE can be reached; the values are those of ``--reach``."""

    DIRECT = "direct"
    """At its ConnectionRequestURL, over IPv4 as over IPv6 wherever the server is bound."""
    STUN = "stun"
    """By UDP through a NAT, whose binding STUN finds and keeps (Annex G)."""
    XMPP = "xmpp"
    """By an XMPP server that it is connected to (Annex K)."""
    DARK = "dark"
    """Not at all: nothing answers at its ConnectionRequestURL."""
    IPV6 = "ipv6"
    """At its ConnectionRequestURL, over IPv6 alone."""
    LIES = "lies"
    """Not at all: its ConnectionRequestURL is that of no CPE."""


UNREACHABLE = (Reach.DARK, Reach.LIES)
"""The kinds that no ACS reaches."""


@dataclass(frozen=True)
class ReachMix:
    """
    Kinds of reachability mixed by weight; which one a CPE has follows from seed and index.

    Indices walk round the unit circle by an irrational step, so any run of them, from whichever
    worker, holds the kinds in very nearly these proportions. The step is another than that of
    ``ProfileMix``, so each kind has all profiles.

    Args:
        weights: each kind with its weight, which is above 0; at least one.
    """

    weights: tuple[tuple[Reach, float], ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read ``direct:40,stun:30``.

        Raises:
            InputError: the text is something else, or names a kind twice.
        """
        weights = tuple(map(_weight, text.split(",")))
        kinds = [kind for kind, _ in weights]
        for kind in kinds:
            if kinds.count(kind) > 1:
                raise InputError(f"{kind} is there twice; give each kind one weight")
        return cls(weights)

    def __str__(self) -> str:
        return ",".join(f"{kind}:{weight:g}" for kind, weight in self.weights)

    def __contains__(self, kind: Reach) -> bool:
        """Whether some CPEs are of this kind."""
        return any(kind is own for own, _ in self.weights)

    def of(self, identities: Identities, index: int) -> Reach:
        """The kind of the CPE with this index."""
        place = _start(identities.seed, identities.prefix) + index * _STEP
        return self.weights[bisect(self._bounds, place % 1.0)][0]

    def share(self, *kinds: Reach) -> float:
        """Which part of the CPEs is of these kinds."""
        weights = [weight for kind, weight in self.weights if kind in kinds]
        return sum(weights) / sum(weight for _, weight in self.weights)

    def places_of(self, identities: Identities, indices: Iterable[int]) -> list[int]:
        """Where the kinds of the CPEs with these indices are among ``weights``."""
        start, bounds = _start(identities.seed, identities.prefix), self._bounds
        return [bisect(bounds, (start + index * _STEP) % 1.0) for index in indices]

    def counts(self, identities: Identities, indices: Iterable[int]) -> Counter[str]:
        """How many of the CPEs with these indices are of each kind."""
        found = Counter(self.places_of(identities, indices))
        return Counter({self.weights[place][0].value: n for place, n in found.items()})

    @cached_property
    def _bounds(self) -> list[float]:
        """Where on the circle one kind ends and the next begins."""
        ends = list(accumulate(weight for _, weight in self.weights))
        return [end / ends[-1] for end in ends[:-1]]


@dataclass(frozen=True)
class STUNServer:
    """
    What the CPEs behind a NAT have in their STUN parameters.

    Args:
        host, port: of the server; an empty host is that of the ACS (TR-069 Annex G).
        keep_alive: the shortest and longest seconds between Binding Requests.
    """

    host: str = ""
    port: int = 3478
    keep_alive: tuple[float, float] = (30.0, 30.0)


@dataclass(frozen=True)
class XMPPServer:
    """
    What the CPEs with an XMPP connection have in its parameters.

    Args:
        host, port: of the server.
        domain: of the accounts; by default the host.
        keep_alive: seconds between keep-alives; 0 for none.
    """

    host: str
    port: int = 5222
    domain: str = ""
    keep_alive: float = 0.0


@dataclass(frozen=True)
class Reachability:
    """
    How the CPEs of a fleet can be reached.

    Args:
        mix: of the kinds.
        unanswered_url: returns a ConnectionRequestURL at which nothing answers, by the name of
            a CPE there.
        ipv6_url: returns the ConnectionRequestURL over IPv6 of a CPE, by its name there.
        stun: the server of CPEs behind a NAT.
        xmpp: the server of CPEs with an XMPP connection.
    """

    mix: ReachMix
    unanswered_url: Callable[[str], str] = "http://127.0.0.1:1/cr/{}".format
    ipv6_url: Callable[[str], str] = "http://[::1]/cr/{}".format
    stun: STUNServer = STUNServer()
    xmpp: XMPPServer = XMPPServer("127.0.0.1")


@lru_cache(64)
def _start(seed: int, prefix: str) -> float:
    """Where on the circle the first CPE of a fleet is."""
    return Identities(seed, prefix).fraction(0, "reach")


_STEP = sqrt(2)
_WEIGHT = re.compile(r"([a-z0-9]{1,10}):([0-9]{1,6}(\.[0-9]{1,6})?)")


def _weight(text: str) -> tuple[Reach, float]:
    match = _WEIGHT.fullmatch(text.strip())
    if match is None or match[1] not in list(Reach) or not float(match[2]):
        kinds = ", ".join(Reach)
        raise InputError(
            f"{text[:80]!r} is not KIND:WEIGHT with a weight above 0, like direct:40; "
            f"kinds are {kinds}"
        )
    return Reach(match[1]), float(match[2])

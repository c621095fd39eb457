"""The NAT bindings of a run's CPEs on a worker, by its options."""

from __future__ import annotations

import time
from math import inf

from caretaker.engine.nat_bindings import NATBindings
from caretaker.engine.nat_settings import NATSettings, STUNMode
from caretaker.engine.shard import Shard
from caretaker.engine.stun_servers import STUNServers
from caretaker.http.endpoint import Endpoint
from caretaker.http.resolver import Resolver
from caretaker.stats.records import VerdictSink
from caretaker.swarm.options import Settings


def nat_bindings_of(
    shard: Shard,
    sink: VerdictSink,
    endpoint: Endpoint,
    settings: Settings,
    resolver: Resolver,
) -> NATBindings:
    """What keeps the bindings of CPEs, whose STUN server is the user's or at an allowed host."""
    own = settings.stun_server
    hosts = endpoint.hosts | {own.host} if own is not None else endpoint.hosts
    identities, nats = shard.context.identities, settings.nat_forgets

    def forgets_after(index: int) -> float:
        return nats.seconds if identities.fraction(index, "NAT") < nats.share else inf

    return NATBindings(
        shard,
        STUNServers(hosts, resolver),
        sink,
        time.monotonic,
        NATSettings(
            mode=STUNMode(settings.stun_mode),
            own_sockets=settings.stun_sockets == "each",
            source=endpoint.source,
            forgets_after=forgets_after if nats.share else None,
        ),
    )

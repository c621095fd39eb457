"""The XMPP connections of a run's CPEs on a worker, by its options."""

from __future__ import annotations

from caretaker.engine.shard import Shard
from caretaker.engine.xmpp_connections import ShardXMPP
from caretaker.http.endpoint import Endpoint
from caretaker.http.resolver import Resolver
from caretaker.stats.records import VerdictSink
from caretaker.swarm.options import Settings
from caretaker.xmpp.client_stream import PLAIN, SCRAM_SHA_1, LoginSettings
from caretaker.xmpp.connections import ConnectionSettings
from caretaker.xmpp.scram import SaltedKeys


def xmpp_connections_of(
    shard: Shard,
    sink: VerdictSink,
    endpoint: Endpoint,
    settings: Settings,
    resolver: Resolver,
    *,
    worker_index: int,
) -> ShardXMPP:
    """What connects the CPEs, whose XMPP server is the user's or at an allowed host."""
    own = settings.xmpp_server
    hosts = endpoint.hosts | {own.host} if own is not None else endpoint.hosts
    mechanism = SCRAM_SHA_1 if settings.xmpp_auth == "scram" else PLAIN
    login = LoginSettings(mechanism, settings.xmpp_tls == "optional", SaltedKeys())
    return ShardXMPP(
        shard,
        hosts,
        ConnectionSettings(
            login, endpoint.tls.new_context, settings.xmpp_login_rate, endpoint.source, resolver
        ),
        sink,
        seed=f"{settings.seed}/xmpp/{worker_index}",
    )

"""Values that follow from how a CPE can be reached; their sources begin with ``reached_``."""

from __future__ import annotations

from collections.abc import Callable

from caretaker.data_model.parameter import Parameter
from caretaker.device.base import CPEBase
from caretaker.device.reachability import Reach, Reachability

_Value = Callable[[CPEBase, Reachability], str]

_METHODS = {Reach.STUN: "HTTP,STUN", Reach.XMPP: "HTTP,XMPP"}
"""SupportedConnReqMethods of the kinds that have more than HTTP."""

_STUN: dict[str, _Value] = {
    "reached_stun_enable": lambda _, __: "1",
    "reached_stun_host": lambda _, reach: reach.stun.host,
    "reached_stun_port": lambda _, reach: str(reach.stun.port),
    "reached_stun_shortest": lambda _, reach: f"{reach.stun.keep_alive[0]:.0f}",
    "reached_stun_longest": lambda _, reach: f"{reach.stun.keep_alive[1]:.0f}",
}
_XMPP: dict[str, _Value] = {
    "reached_xmpp_connection": lambda cpe, _: f"{cpe.model.root}XMPP.Connection.1",
    "reached_xmpp_enable": lambda _, __: "1",
    "reached_xmpp_username": lambda cpe, _: cpe.context.identities.xmpp_username(cpe.index),
    "reached_xmpp_password": lambda cpe, _: cpe.context.identities.secret(cpe.index, "XMPP"),
    "reached_xmpp_domain": lambda _, reach: reach.xmpp.domain or reach.xmpp.host,
    "reached_xmpp_resource": lambda _, __: "cwmp",
    "reached_xmpp_algorithm": lambda _, __: "ServerTable",
    # One, so that a name with an address where nothing answers does not cost the CPE an hour.
    "reached_xmpp_attempts": lambda _, __: "1",
    "reached_xmpp_keep_alive": lambda _, reach: f"{reach.xmpp.keep_alive or -1:.0f}",
    "reached_xmpp_host": lambda _, reach: reach.xmpp.host,
    "reached_xmpp_port": lambda _, reach: str(reach.xmpp.port),
}
_OF_KIND = {Reach.STUN: _STUN, Reach.XMPP: _XMPP}

_URLS: dict[Reach, _Value] = {
    Reach.DIRECT: lambda cpe, _: cpe.context.connection_request_url(cpe.url_name),
    Reach.STUN: lambda cpe, reach: reach.unanswered_url(cpe.url_name),
    Reach.XMPP: lambda cpe, reach: reach.unanswered_url(cpe.url_name),
    Reach.DARK: lambda cpe, reach: reach.unanswered_url(cpe.url_name),
    Reach.IPV6: lambda cpe, reach: reach.ipv6_url(cpe.url_name),
    Reach.LIES: lambda cpe, _: cpe.context.connection_request_url(f"{cpe.url_name}-moved"),
}
"""The ConnectionRequestURL of each kind; those of STUN and XMPP are behind a NAT."""


def reach_of(cpe: CPEBase) -> Reach:
    """How the CPE can be reached."""
    reach = cpe.context.reach
    return Reach.DIRECT if reach is None else reach.mix.of(cpe.context.identities, cpe.index)


def connection_request_url(cpe: CPEBase) -> str:
    """The ConnectionRequestURL, as it is wherever HTTP Connection Requests are not disabled."""
    reach = cpe.context.reach
    if reach is None:
        return cpe.context.connection_request_url(cpe.url_name)
    return _URLS[reach_of(cpe)](cpe, reach)


def _supported_methods(cpe: CPEBase, parameter: Parameter, _: float) -> str:
    return _METHODS.get(reach_of(cpe), parameter.value)


def _value(cpe: CPEBase, parameter: Parameter, _: float) -> str:
    reach = cpe.context.reach
    value = _OF_KIND.get(reach_of(cpe), {}).get(parameter.source)
    return parameter.value if reach is None or value is None else value(cpe, reach)


REACH_SOURCES: dict[str, Callable[[CPEBase, Parameter, float], str]] = {
    "reached_methods": _supported_methods,
    **dict.fromkeys((*_STUN, *_XMPP), _value),
}
"""What computes the parameters of ``profiles.reach_parameters``, by their sources."""

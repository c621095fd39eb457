"""The parameters of Annexes G and K, in devices whose profile lacks them."""

from __future__ import annotations

from dataclasses import replace

from caretaker.data_model.parameter import Row
from caretaker.profiles.profile import Profile

_BOOLEAN, _NUMBER, _INT, _LONG = "xsd:boolean", "xsd:unsignedInt", "xsd:int", "xsd:long"
_ACS, _ROW = "ManagementServer.", "XMPP.Connection.1."
_SERVER = f"{_ROW}Server.1."

REACH_PARAMETERS: tuple[Row, ...] = (
    Row(f"{_ACS}SupportedConnReqMethods", False, False, "HTTP", source="reached_methods"),
    Row(f"{_ACS}UDPConnectionRequestAddress", False, False),
    Row(f"{_ACS}NATDetected", False, False, "0", _BOOLEAN),
    Row(f"{_ACS}STUNEnable", False, True, "0", _BOOLEAN, "reached_stun_enable"),
    Row(f"{_ACS}STUNServerAddress", False, True, source="reached_stun_host"),
    Row(f"{_ACS}STUNServerPort", False, True, "3478", _NUMBER, "reached_stun_port"),
    Row(f"{_ACS}STUNUsername", False, True),
    Row(f"{_ACS}STUNPassword", False, True),
    Row(f"{_ACS}STUNMinimumKeepAlivePeriod", False, True, "30", _NUMBER, "reached_stun_shortest"),
    Row(f"{_ACS}STUNMaximumKeepAlivePeriod", False, True, "-1", _INT, "reached_stun_longest"),
    Row(f"{_ACS}ConnReqXMPPConnection", False, True, source="reached_xmpp_connection"),
    Row(f"{_ACS}ConnReqJabberID", False, False),
    Row(f"{_ACS}ConnReqAllowedJabberIDs", False, True),
    Row("XMPP.ConnectionNumberOfEntries", False, False, "1", _NUMBER),
    Row("XMPP.SupportedServerConnectAlgorithms", False, False, "ServerTable"),
    Row("XMPP.Connection.", True, True),
    Row(_ROW, True, True),
    Row(f"{_ROW}Enable", False, True, "0", _BOOLEAN, "reached_xmpp_enable"),
    Row(f"{_ROW}Username", False, True, source="reached_xmpp_username"),
    Row(f"{_ROW}Password", False, True, source="reached_xmpp_password", hidden=True),
    Row(f"{_ROW}Domain", False, True, source="reached_xmpp_domain"),
    Row(f"{_ROW}Resource", False, True, source="reached_xmpp_resource"),
    Row(f"{_ROW}JabberID", False, False),
    Row(f"{_ROW}Status", False, False, "Disabled"),
    Row(
        f"{_ROW}ServerConnectAlgorithm",
        False,
        True,
        "ServerTable",
        source="reached_xmpp_algorithm",
    ),
    Row(f"{_ROW}KeepAliveInterval", False, True, "-1", _LONG, "reached_xmpp_keep_alive"),
    Row(f"{_ROW}ServerConnectAttempts", False, True, "16", _NUMBER, "reached_xmpp_attempts"),
    Row(f"{_ROW}ServerRetryInitialInterval", False, True, "60", _NUMBER),
    Row(f"{_ROW}ServerRetryIntervalMultiplier", False, True, "2000", _NUMBER),
    Row(f"{_ROW}ServerRetryMaxInterval", False, True, "30720", _NUMBER),
    Row(f"{_ROW}UseTLS", False, True, "0", _BOOLEAN, "reached_xmpp_enable"),
    Row(f"{_ROW}TLSEstablished", False, False, "0", _BOOLEAN),
    Row(f"{_ROW}ServerNumberOfEntries", False, False, "1", _NUMBER),
    Row(f"{_ROW}Server.", True, True),
    Row(_SERVER, True, True),
    Row(f"{_SERVER}Enable", False, True, "0", _BOOLEAN, "reached_xmpp_enable"),
    Row(f"{_SERVER}Priority", False, True, "0", _NUMBER),
    Row(f"{_SERVER}Weight", False, True, "-1", _LONG),
    Row(f"{_SERVER}ServerAddress", False, True, source="reached_xmpp_host"),
    Row(f"{_SERVER}Port", False, True, "5222", _NUMBER, "reached_xmpp_port"),
)
"""
What a CPE must have to be reached by UDP or XMPP, below either root (TR-098, TR-181).

The value is that of a CPE that is reached in another way; a source computes the others.
"""


def with_reach_parameters(profile: Profile) -> Profile:
    """
    The profile with ``REACH_PARAMETERS``.

    A parameter that the profile has keeps its type, limits and value, and gets the source, unless
    a list of devices or a rule of the profile already computes it.
    """
    root, there = profile.model.root, profile.model.parameters
    added, replaced = [], {}
    for row in REACH_PARAMETERS:
        parameter = there.get(root + row.path)
        if parameter is None:
            added.append(row._replace(path=root + row.path))
        elif row.source and not parameter.source:
            replaced[root + row.path] = parameter._replace(source=row.source)
        elif row.path.endswith("NumberOfEntries") and parameter.value in ("", "0"):
            replaced[root + row.path] = parameter._replace(value=row.value)
    return replace(profile, model=profile.model.replacing(replaced).extended(added))

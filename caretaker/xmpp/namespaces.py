"""The XML namespaces of XMPP, and names of elements as lxml writes them."""

from __future__ import annotations

STREAMS = "http://etherx.jabber.org/streams"
CLIENT = "jabber:client"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
STREAM_ERRORS = "urn:ietf:params:xml:ns:xmpp-streams"
PING = "urn:xmpp:ping"
CONNECTION_REQUEST = "urn:broadband-forum-org:cwmp:xmppConnReq-1-0"

STREAM_TAG = f"{{{STREAMS}}}stream"
FEATURES_TAG = f"{{{STREAMS}}}features"
ERROR_TAG = f"{{{STREAMS}}}error"
IQ_TAG = f"{{{CLIENT}}}iq"
CONNECTION_REQUEST_TAG = f"{{{CONNECTION_REQUEST}}}connectionRequest"
PING_TAG = f"{{{PING}}}ping"

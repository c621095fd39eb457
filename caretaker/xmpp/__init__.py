"""
XMPP as a CPE needs it for Connection Requests (TR-069 Annex K; RFC 6120, RFC 5802, XEP-0199).

``ClientStream`` is the protocol without I/O. ``XMPPConnection`` joins one to a socket of the loop,
without a greenlet. ``Logins`` says when a connection may log in, and when none may any more.
"""

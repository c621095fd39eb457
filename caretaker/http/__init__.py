"""
HTTP/1.1 as CPEs speak it: the client of sessions and the server of Connection Requests.

A CWMP session (TR-069 3.4) posts through ``transport``, over a ``connection`` of ``sockets``; a 401
is answered by ``digest``. The server is ``server`` with its ``request_parser``. Nothing here knows
CWMP or XML.
"""

"""
HTTP/1.1 as CPEs speak it: the client of sessions and the server of Connection Requests.

A CWMP session (TR-069 3.4) posts through ``transport``. ``exchange`` answers a 401 (with
``digest``), follows redirects and replaces lost connections, for file transfers and Connection
Requests, too. A ``connection`` sends requests over ``sockets``. The server is ``server`` with its
``request_parser``. Nothing here knows CWMP or XML.
"""

"""Connection Requests: the server that answers them for CPEs, and the client that sends them."""

from caretaker.connection_request.client import send_connection_request
from caretaker.connection_request.server import ConnectionRequestServer

__all__ = ["ConnectionRequestServer", "send_connection_request"]

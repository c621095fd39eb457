"""
CWMP without I/O: messages, their codec, and the session of both roles (decision D1).

Nothing here opens a socket, looks at a clock or rolls dice.
"""

from caretaker.cwmp.codec import decode, encode
from caretaker.cwmp.envelope import CWMP_1_0, CWMP_1_2, Envelope
from caretaker.cwmp.session import ACSSession, CPESession

__all__ = ["CWMP_1_0", "CWMP_1_2", "ACSSession", "CPESession", "Envelope", "decode", "encode"]

"""
The embedded ACS: a small one, so that one command shows the whole loop.

It never imports ``caretaker.device``: it knows of CPEs only what they say.
"""

from caretaker.acs.server import ACSServer

__all__ = ["ACSServer"]

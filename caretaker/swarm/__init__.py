"""
All that knows Locust: options, users, the ledger, the driver, the summary.

A locustfile makes it work in two lines::

    from locust import events
    from caretaker.swarm import CPEUser, install

    install(events)
"""

from caretaker.swarm.locust_hooks import install
from caretaker.swarm.user import CPEUser

__all__ = ["CPEUser", "install"]

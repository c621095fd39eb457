"""
The load test: CPEs that inform an ACS and answer its Connection Requests.

Run it with ``./scripts/loadtest``, or with Locust as it is: ``locust -f locustfile.py``.
"""

from locust import events

from caretaker.swarm import CPEUser, install

__all__ = ["CPEUser"]

install(events)

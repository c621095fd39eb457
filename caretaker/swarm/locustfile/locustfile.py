"""
The load test: CPEs that inform an ACS and answer its Connection Requests.

Run it with ``caretaker run``, whose ``--help`` has all options, or with Locust as it is:
``locust -f locustfile.py``. The ``--help`` of Locust shows its own options only.
"""

from locust import events

from caretaker.swarm import CPEUser, install

__all__ = ["CPEUser"]

install(events)

"""
Certificates for tests: ``python -m caretaker certs``.

* ``authority``: a test CA, which signs certificates of servers and of CPEs.
* ``command``: the command line.
"""

from caretaker.certs.command import add_arguments, run

__all__ = ["add_arguments", "run"]

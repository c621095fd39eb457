"""
Does an ACS work with a CPE of ours: ``python -m caretaker check``, and before a load test.

* ``checked_cpe``: the one CPE, and what was seen of it.
* ``steps``: what is checked, in order; each step says what it has shown, and what helps.
* ``command``: the command line.
"""

from caretaker.check.command import add_arguments, run

__all__ = ["add_arguments", "run"]

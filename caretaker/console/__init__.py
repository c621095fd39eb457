"""
One CPE by hand, for debugging an ACS: ``python -m caretaker cpe``.

* ``console.py``: the CPE, and the commands that it takes.
* ``trace.py``: what is shown of its exchanges, with secrets masked.
* ``arguments.py``: the command line.
"""

from caretaker.console.arguments import add_arguments, run

__all__ = ["add_arguments", "run"]

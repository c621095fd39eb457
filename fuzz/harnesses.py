"""
The harnesses: what reads foreign bytes, and what must be true whatever these are.

``tests/test_fuzz.py`` has the table of what reads foreign bytes and has none.
"""

from __future__ import annotations

from fuzz.cwmp_harnesses import CWMP
from fuzz.file_harnesses import FILES
from fuzz.harness import Harness
from fuzz.http_harnesses import HTTP
from fuzz.option_harnesses import OPTIONS
from fuzz.stun_harnesses import STUN
from fuzz.swarm_harnesses import SWARM
from fuzz.xmpp_harnesses import XMPP

HARNESSES: dict[str, Harness] = {**CWMP, **HTTP, **FILES, **OPTIONS, **STUN, **SWARM, **XMPP}
"""Every harness by its name, which is that of its folder in ``tests/corpus``."""

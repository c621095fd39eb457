"""
The fence of a worker: at the end of its lease its CPEs stop, before anything else happens.

After a freeze of this process, answers of the ACS and Connection Requests wait in its sockets,
timers are due, and the lease of the indices may be over. So the fence looks at each turn of the
loop, in a watcher that the loop calls before those of sockets and timers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent


class Fence:
    """
    Calls a function in the loop as soon as something is over.

    Args:
        is_over: asked at each turn of the loop, so it must be quick.
        act: runs in the loop itself and must not wait; called at each turn while it is over.
    """

    def __init__(self, is_over: Callable[[], bool], act: Callable[[], None]) -> None:
        self._is_over = is_over
        self._act = act
        loop: Any = gevent.get_hub().loop
        self._watcher = loop.check(ref=False, priority=loop.MAXPRI)
        self._watcher.start(self._look)

    def _look(self) -> None:
        if self._is_over():
            self._act()

    def stop(self) -> None:
        """Look no more."""
        self._watcher.stop()
        self._watcher.close()

"""What a connection is to be: where, as whom, and how it is kept."""

from __future__ import annotations

from typing import NamedTuple

from caretaker.xmpp.client_stream import Account


class Backoff(NamedTuple):
    """
    How long a client waits before it connects again (TR-181, XMPP.Connection.{i}.ServerRetry...).

    Args:
        initial: seconds after the first failure, at most.
        multiplier: of the seconds with each further failure.
        longest: seconds that it never exceeds.
    """

    initial: float = 60.0
    multiplier: float = 2.0
    longest: float = 30_720.0

    def seconds(self, failures: int, fraction: float) -> float:
        """
        The wait after so many failures in a row.

        Args:
            failures: in a row, 1 or more.
            fraction: random, from 0 to 1: that of the longest wait after so many.
        """
        steps = min(failures - 1, 64)
        return min(self.longest, fraction * self.initial * self.multiplier**steps)


class Wanted(NamedTuple):
    """
    A connection that is to be.

    Args:
        account: to log in with.
        servers: host and port of each, in the order in which they are tried.
        use_tls: whether TLS is asked for where the server does not demand it.
        keep_alive: seconds between keep-alives; 0 for none.
        backoff: how long to wait after failures.
        attempts: at an IP address before the next one has its turn; after the last one of the last
            server comes the first again.
    """

    account: Account
    servers: tuple[tuple[str, int], ...]
    use_tls: bool = True
    keep_alive: float = 0.0
    backoff: Backoff = Backoff()
    attempts: int = 1

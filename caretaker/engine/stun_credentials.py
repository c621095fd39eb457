"""The credentials of CPEs that STUN servers have asked for."""

from __future__ import annotations

from caretaker.device.nat_traversal import credentials
from caretaker.engine.cpe_store import CPEStore
from caretaker.errors import DatagramError
from caretaker.stun.challenge import STALE_NONCE, UNAUTHORIZED, Challenge
from caretaker.stun.message import StunMessage


class STUNCredentials:
    """
    Shows a server the STUNUsername and STUNPassword of CPEs once it has asked for them.

    Most servers ask nobody, so what they have asked of a CPE is kept by its index, and its
    parameters are not read before.

    Args:
        cpes: the CPEs by index.
    """

    def __init__(self, cpes: CPEStore) -> None:
        self._cpes = cpes
        self._challenges: dict[int, Challenge] = {}

    def forget(self, index: int) -> None:
        """A CPE has another server, which may not ask, or none."""
        self._challenges.pop(index, None)

    def _shown(self, index: int, now: float) -> tuple[str, str]:
        return credentials(self._cpes[index], now)

    def signed(self, index: int, request: StunMessage, now: float) -> StunMessage:
        """A request of a CPE as it is to be sent."""
        challenge = self._challenges.get(index)
        if challenge is None:
            return request
        return challenge.signed(request, *self._shown(index, now))

    def check(self, index: int, answer: StunMessage, now: float) -> None:
        """
        Check that an answer comes from who knows the CPE's password, if that was asked for.

        Raises:
            DatagramError: it does not.
        """
        challenge = self._challenges.get(index)
        if challenge is None:
            return
        if not answer.has_integrity(challenge.key(*self._shown(index, now))):
            raise DatagramError("a STUN answer without integrity")
        if not challenge.was_met:
            self._challenges[index] = challenge._replace(was_met=True)

    def refused(self, index: int, error: StunMessage, now: float) -> bool:
        """
        Take what a server asks for in an error.

        Returns:
            Whether to send the request again at once: not twice without success between, so that a
            server that asks and asks does not have the CPE send and send.

        Raises:
            DatagramError: the error can't be read.
        """
        username, _ = self._shown(index, now)
        if not username or error.error_code() not in (UNAUTHORIZED, STALE_NONCE):
            return False
        old = self._challenges.get(index)
        self._challenges[index] = Challenge.of(error)
        return old is None or old.was_met

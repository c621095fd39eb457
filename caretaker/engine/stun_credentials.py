"""The credentials of CPEs that STUN servers have asked for."""

from __future__ import annotations

from caretaker.device.cpe import CPE
from caretaker.device.nat_traversal import credentials
from caretaker.errors import DatagramError
from caretaker.stun.challenge import STALE_NONCE, UNAUTHORIZED, Challenge
from caretaker.stun.message import StunMessage


class STUNCredentials:
    """
    Shows a server the STUNUsername and STUNPassword of CPEs once it has asked for them.

    Most servers ask nobody, so what they have asked of a CPE is kept by its index.
    """

    def __init__(self) -> None:
        self._challenges: dict[int, Challenge] = {}

    def forget(self, index: int) -> None:
        """A CPE has another server, which may not ask, or none."""
        self._challenges.pop(index, None)

    def signed(self, cpe: CPE, request: StunMessage, now: float) -> StunMessage:
        """A request of a CPE as it is to be sent."""
        challenge = self._challenges.get(cpe.index)
        return request if challenge is None else challenge.signed(request, *credentials(cpe, now))

    def check(self, cpe: CPE, answer: StunMessage, now: float) -> None:
        """
        Check that an answer comes from who knows the CPE's password, if that was asked for.

        Raises:
            DatagramError: it does not.
        """
        challenge = self._challenges.get(cpe.index)
        if challenge is None:
            return
        if not answer.has_integrity(challenge.key(*credentials(cpe, now))):
            raise DatagramError("a STUN answer without integrity")
        if not challenge.was_met:
            self._challenges[cpe.index] = challenge._replace(was_met=True)

    def refused(self, cpe: CPE, error: StunMessage, now: float) -> bool:
        """
        Take what a server asks for in an error.

        Returns:
            Whether to send the request again at once: not twice without success between, so that a
            server that asks and asks does not have the CPE send and send.

        Raises:
            DatagramError: the error can't be read.
        """
        username, _ = credentials(cpe, now)
        if not username or error.error_code() not in (UNAUTHORIZED, STALE_NONCE):
            return False
        old = self._challenges.get(cpe.index)
        self._challenges[cpe.index] = Challenge.of(error)
        return old is None or old.was_met

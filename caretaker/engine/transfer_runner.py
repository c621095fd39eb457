"""The real transfers of CPEs: a greenlet for each file that is fetched or sent."""

from __future__ import annotations

import logging
from collections.abc import Callable

import gevent
import gevent.lock
from gevent import Greenlet

from caretaker.cwmp.faults import FaultCode
from caretaker.device import transfers
from caretaker.device.cpe import CPE
from caretaker.device.transfer_record import Transfer
from caretaker.engine.file_transfer import FileTransferClient, FileTransferResult
from caretaker.reasons import BUG, BoundedReasons

_log = logging.getLogger(__name__)


class TransferRunner:
    """
    Runs the transfers that move bytes, beside the sessions of their CPEs.

    Args:
        client: moves the bytes; without one all transfers are simulated by their CPEs.
        max_transfers: how many run at once, to protect this machine; further ones wait.
        clock: seconds, going forward.
        reschedule: called with a CPE when the end of a transfer has raised events on it.
    """

    def __init__(
        self,
        client: FileTransferClient | None,
        max_transfers: int,
        clock: Callable[[], float],
        reschedule: Callable[[CPE], None],
    ) -> None:
        self.running: dict[int, dict[Transfer, Greenlet[..., None]]] = {}
        """The greenlets by the index of their CPE; no entry for a CPE without any."""
        self._client = client
        self._places = gevent.lock.BoundedSemaphore(max_transfers)
        self._clock = clock
        self._reschedule = reschedule
        self._reasons = BoundedReasons()

    def update(self, cpe: CPE) -> None:
        """Begin the transfers that a CPE has begun, and cut those that it has given up."""
        if self._client is None or not (cpe.transfers or self.running):
            return
        running, wanted = self.running.pop(cpe.index, {}), transfers.wanted(cpe)
        given_up = [running[transfer] for transfer in running if transfer not in wanted]
        gevent.killall(given_up, block=False)
        if wanted:
            self.running[cpe.index] = {
                transfer: running.get(transfer)
                or gevent.spawn(self._run, self._client, cpe, transfer)
                for transfer in wanted
            }

    def cut(self, index: int) -> None:
        """End the transfers of a CPE that has lost its power. Does not wait."""
        running = self.running.pop(index, None)
        if running is not None:
            gevent.killall(list(running.values()), block=False)

    def _run(self, client: FileTransferClient, cpe: CPE, transfer: Transfer) -> None:
        with self._places:
            try:
                result = client.move(transfer.request, cpe)
            except Exception:  # noqa: BLE001  # one broken transfer never takes the fleet down
                _log.exception("a transfer failed by a bug of Caretaker")
                result = FileTransferResult(FaultCode.INTERNAL_ERROR, reason=BUG)
        counts = cpe.context.transfer_counts
        counts["bytes_sent"] += result.sent
        counts["bytes_received"] += result.received
        if result.fault_code:
            reason = self._reasons.of(f"file server: {result.reason}", result.quoted)
            counts[f"reasons.{reason}"] += 1
        transfers.moved(cpe, transfer, result.fault_code, self._clock())
        self._reschedule(cpe)

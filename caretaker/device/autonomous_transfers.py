"""Transfers that the ACS did not ask for, and of which of them it is told (TR-069 A.3.3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caretaker.cwmp import messages as m

if TYPE_CHECKING:
    from caretaker.device.cpe import CPE


def transfer_by_itself(cpe: CPE, ended: m.AutonomousTransferComplete, now: float) -> float:
    """
    Have transferred a file without the ACS, as a user of the device would; returns when due.

    The ACS is told with ``10 AUTONOMOUS TRANSFER COMPLETE``, where the device's
    ``ManagementServer.AutonomousTransferCompletePolicy.`` wants it; always where it has none.
    """
    if _is_wanted(cpe, ended, now):
        cpe.ask(ended, now)
    return cpe.reschedule(now)


def _is_wanted(cpe: CPE, ended: m.AutonomousTransferComplete, now: float) -> bool:
    policy = f"{cpe.profile.management_server}AutonomousTransferCompletePolicy."
    if cpe.parameter(f"{policy}Enable") is None:
        return True
    file_types = [each.strip() for each in cpe.value(f"{policy}FileTypeFilter", now).split(",")]
    kind = "Download" if ended.is_download else "Upload"
    outcome = "Failure" if ended.fault_struct.fault_code else "Success"
    return (
        cpe.value(f"{policy}Enable", now) in ("1", "true")
        and cpe.value(f"{policy}TransferTypeFilter", now) in ("Both", kind)
        and cpe.value(f"{policy}ResultTypeFilter", now) in ("Both", outcome)
        and ended.file_type in file_types
    )

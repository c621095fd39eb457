"""Transfers that the ACS did not ask for, and whether they are reported (TR-069 A.3.3.3)."""

from __future__ import annotations

from caretaker.cwmp import messages as m
from caretaker.device.base import CPEBase


def transfer_by_itself(cpe: CPEBase, ended: m.AutonomousTransferComplete, now: float) -> float:
    """
    Report a transfer that was made without the ACS; returns when the CPE is due.

    ``10 AUTONOMOUS TRANSFER COMPLETE`` reports it if the device's
    ``ManagementServer.AutonomousTransferCompletePolicy.`` asks for it, or the device has none.
    """
    if _is_wanted(cpe, ended, now):
        cpe.ask(ended, now)
    return cpe.reschedule(now)


def _is_wanted(cpe: CPEBase, ended: m.AutonomousTransferComplete, now: float) -> bool:
    policy = f"{cpe.profile.management_server}AutonomousTransferCompletePolicy."
    if cpe.parameter(f"{policy}Enable") is None:
        return True
    file_types = [name.strip() for name in cpe.value(f"{policy}FileTypeFilter", now).split(",")]
    kind = "Download" if ended.is_download else "Upload"
    outcome = "Failure" if ended.fault_struct.fault_code else "Success"
    return (
        cpe.value(f"{policy}Enable", now) in ("1", "true")
        and cpe.value(f"{policy}TransferTypeFilter", now) in ("Both", kind)
        and cpe.value(f"{policy}ResultTypeFilter", now) in ("Both", outcome)
        and ended.file_type in file_types
    )

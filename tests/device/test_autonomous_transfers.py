"""Transfers that the ACS did not ask for: which of them it is told."""

from __future__ import annotations

from math import inf

import pytest
from helpers.cpes import context, cpe, extended, run

from caretaker.cwmp import messages as m
from caretaker.device.autonomous_transfers import transfer_by_itself
from caretaker.device.cpe import CPE
from caretaker.device.settings import Behaviors

POLICY = "Device.ManagementServer.AutonomousTransferCompletePolicy."
WEB, LOG = "2 Web Content", "4 Vendor Log File"
QUIET = Behaviors(periodic_inform=False)


def ended(
    file_type: str = WEB, code: int = 0, *, download: bool = True
) -> m.AutonomousTransferComplete:
    fault = m.FaultStruct(code, "It failed" if code else "")
    url = "http://files/x"
    return m.AutonomousTransferComplete("", url, download, file_type, fault_struct=fault)


@pytest.mark.rule("6-17", "6-18")
def test_without_a_policy_the_acs_is_told() -> None:
    box = cpe(behaviors=QUIET)
    run(box, 0.0)
    assert transfer_by_itself(box, ended(), 5.0) == 5.0
    acs = run(box, 5.0)
    assert acs.events == ["10 AUTONOMOUS TRANSFER COMPLETE"]
    assert acs.cpe_requests == [ended()]
    assert (box.pending, box.due) == ((), inf)


@pytest.mark.rule("6-18")
@pytest.mark.parametrize(
    ("enabled", "kind", "outcome", "file_types", "told"),
    [
        ("1", "Both", "Both", f"{WEB}, {LOG}", [0, 1, 2, 3]),
        ("true", "Both", "Both", LOG, [2, 3]),
        ("1", "Download", "Both", f"{WEB},{LOG}", [0, 1]),
        ("1", "Upload", "Failure", f"{WEB},{LOG}", [3]),
        ("1", "Both", "Success", f"{WEB},{LOG}", [0, 2]),
        ("1", "Both", "Both", "", []),
        ("0", "Both", "Both", f"{WEB},{LOG}", []),
    ],
)
def test_the_policy_says_of_which(
    enabled: str, kind: str, outcome: str, file_types: str, told: list[int]
) -> None:
    rows = (
        f"{POLICY}Enable,false,true,{enabled},xsd:boolean",
        f"{POLICY}TransferTypeFilter,false,true,{kind},xsd:string",
        f"{POLICY}ResultTypeFilter,false,true,{outcome},xsd:string",
        f'{POLICY}FileTypeFilter,false,true,"{file_types}",xsd:string',
    )
    box = CPE(0, extended(*rows), context(behaviors=QUIET))
    box.power_on(0.0)
    run(box, 0.0)
    transfers = [
        ended(WEB),
        ended(WEB, 9010),
        ended(LOG, download=False),
        ended(LOG, 9011, download=False),
    ]
    for each in transfers:
        transfer_by_itself(box, each, 5.0)
    assert box.requests == tuple(transfers[number] for number in told)
    assert box.due == (5.0 if told else inf)

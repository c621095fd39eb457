"""The faults of connections: drawn from the seed and each connection's number."""

from __future__ import annotations

from chaos.connection_faults import SHARE, TREATMENTS, fault_of

MANY = 5000


def test_the_same_seed_gives_each_connection_the_same_fault() -> None:
    first = [fault_of(7, number) for number in range(100)]
    assert first == [fault_of(7, number) for number in range(100)]
    assert first != [fault_of(8, number) for number in range(100)]


def test_a_share_has_faults_of_all_kinds_in_both_directions() -> None:
    faults = [fault for number in range(MANY) if (fault := fault_of(1, number))]
    assert abs(len(faults) / MANY - SHARE) < 0.02
    assert {fault.kind for fault in faults} == set(TREATMENTS)
    assert {fault.to_server for fault in faults} == {True, False}
    assert {fault.piece for fault in faults} == {0, 1, 2}

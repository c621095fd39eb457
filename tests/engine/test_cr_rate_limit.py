"""How many Connection Requests one CPE accepts."""

from __future__ import annotations

import pytest

from caretaker.engine.cr_rate_limit import RateLimit


@pytest.mark.rule("9.2-12")
def test_a_cpe_accepts_so_many_requests_in_each_period() -> None:
    limit = RateLimit(2, 5.0)
    assert [limit.allows(1, at) for at in (0.0, 1.0, 4.9, 5.0, 5.1, 5.2)] == [
        True, True, False, True, True, False,
    ]  # fmt: skip


def test_requests_to_one_cpe_do_not_count_for_another() -> None:
    limit = RateLimit(1, 5.0)
    assert limit.allows(1, 0.0)
    assert limit.allows(2, 0.0)
    assert not limit.allows(1, 0.0)


def test_without_a_limit_any_number_is_accepted() -> None:
    limit = RateLimit(0)
    assert all(limit.allows(1, 0.0) for _ in range(1000))

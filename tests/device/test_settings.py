"""Settings of a fleet: bad ones are refused in one line."""

from __future__ import annotations

from typing import Any

import pytest

from caretaker.device.settings import Behaviors, TransferSettings
from caretaker.errors import InputError


def test_behaviors_are_given_by_name() -> None:
    assert Behaviors.of({"value_change_events": False}) == Behaviors(value_change_events=False)
    assert Behaviors.of(None) == Behaviors()
    with pytest.raises(InputError, match="no 'flying'; there are periodic_inform"):
        Behaviors.of({"flying": True})


@pytest.mark.parametrize(
    "bad",
    [
        {"fault_code": 9013},
        {"seconds": (2.0, 1.0)},
        {"seconds": (-1.0, 1.0)},
        {"failures": 1.5},
        {"bandwidth": -1.0},
    ],
)
def test_bad_settings_are_one_line(bad: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(bad)).replace("_", " ")):
        TransferSettings(**bad)

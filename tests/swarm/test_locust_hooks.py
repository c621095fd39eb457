"""What the plugin does to Locust before a run."""

from __future__ import annotations

import pytest
from locust import argument_parser

from caretaker.swarm.locust_hooks import _cache_default_options


def test_locusts_defaults_are_parsed_once_for_all_starts_of_users(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker asks for them once for each option in each such message."""
    parsed: list[dict[str, object]] = []

    def parse() -> dict[str, object]:
        parsed.append({"num_users": None})
        return parsed[-1]

    monkeypatch.setattr(argument_parser, "default_args_dict", parse)
    for _ in range(3):
        _cache_default_options()
        assert argument_parser.default_args_dict() == {"num_users": None}
    assert len(parsed) == 1

"""The names that someone may have meant."""

from __future__ import annotations

from caretaker.nearest_names import MAX_NAME, nearest_names


def test_the_nearest_come_first() -> None:
    assert nearest_names("sesion", ["other", "sessions", "session"], 2, 0.5) == [
        "session",
        "sessions",
    ]


def test_long_names_are_not_compared() -> None:
    name = "a" * MAX_NAME
    assert nearest_names(name, [name], 1, 0.5) == [name]
    assert nearest_names(f"{name}a", [name], 1, 0.5) == []
    assert nearest_names(name, [f"{name}a"], 1, 0.5) == []

"""The locustfile of ``caretaker run``, alone in its folder, which Locust puts on the path."""

from __future__ import annotations

from pathlib import Path

PATH = str(Path(__file__).with_name("locustfile.py"))

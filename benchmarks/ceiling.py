"""A C program that does the least a session needs: the ceiling for any generator."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from benchmarks.c_program import CProgram


class Ceiling:
    """
    The program, ready to run; a context manager.

    Args:
        port: of the sink, on loopback.
        inform: the request with the Inform, headers and all.
        connections: how many sessions run at once.
        kind: of sessions that are not plain, as ``kinds_ceiling.c`` calls it.
        answer: to the request of the ACS, headers and all, where that kind has one.

    Raises:
        InputError: there is no C compiler.
    """

    def __init__(
        self, port: int, inform: bytes, connections: int, kind: str = "", answer: bytes = b""
    ) -> None:
        self._program = CProgram("kinds_ceiling" if kind else "ceiling")
        self._request = self._file("inform", inform)
        self._further = [kind, self._file("answer", answer)] if kind else []
        self._port, self._connections = port, connections

    def _file(self, name: str, content: bytes) -> Path:
        path = self._program.folder / name
        path.write_bytes(content)
        return path

    def measure(self, seconds: float) -> float:
        """Sessions per CPU second of the program."""
        figures = self._program.measure(
            self._port, self._connections, seconds, self._request, *self._further
        )
        return float(figures["count"] / figures["cpu"])

    def __enter__(self) -> Self:
        """Return itself; it is compiled already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the compiled program."""
        self._program.close()

"""A C program that does the least a session needs: the ceiling for any generator."""

from __future__ import annotations

from typing import Self

from benchmarks.c_program import CProgram


class Ceiling:
    """
    The program, ready to run; a context manager.

    Args:
        port: of the sink, on loopback.
        inform: the request with the Inform, headers and all.
        connections: how many sessions run at once.

    Raises:
        InputError: there is no C compiler.
    """

    def __init__(self, port: int, inform: bytes, connections: int) -> None:
        self._program = CProgram("ceiling")
        self._request = self._program.folder / "inform"
        self._request.write_bytes(inform)
        self._port, self._connections = port, connections

    def measure(self, seconds: float) -> float:
        """Sessions per CPU second of the program."""
        figures = self._program.measure(self._port, self._connections, seconds, self._request)
        return float(figures["count"] / figures["cpu"])

    def __enter__(self) -> Self:
        """Return itself; it is compiled already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the compiled program."""
        self._program.close()

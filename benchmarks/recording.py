"""The cost of ``--record`` at its default share: sessions per CPU second with and without it."""

from __future__ import annotations

from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, Options
from benchmarks.nginx import Nginx
from benchmarks.sessions import beside_plain, saturated_worker


def run(options: Options) -> list[Figure]:
    """Measure both in turns."""
    with (
        TemporaryDirectory() as folder,
        Nginx() as sink,
        saturated_worker(sink, options, folder) as recording,
        saturated_worker(sink, options) as plain,
    ):
        return [beside_plain("sessions with --record", recording, plain, options)]

"""
What the flags of a run mean to somebody who compares runs: load, or a place on a machine.

Flags of neither table are settings: they are shown where they differ. The tables are here, not
with the options, because summaries are compared where no Locust is.
"""

from __future__ import annotations

from collections.abc import Mapping

TOLERANCE = 0.05
"""The relative difference up to which two numbers ask the ACS for the same load."""

LOAD: Mapping[str, str] = {
    "--scenario": "scenario",
    "--start": "state at the start",
    "--run-time": "run time",
    "--warm-up": "warm-up",
    "--spawn-rate": "spawn rate",
    "--stage": "stages of the fleet",
    "--inform-interval": "Inform interval",
    "--cr-rate": "rate of Connection Requests",
    "--cr-stage": "stages of the rate of Connection Requests",
}
"""Flags that say how much is asked of the ACS, with the words for it; the size is apart."""

OUTPUTS = (
    "--summary-json", "--report", "--junit", "--export", "--runs",
)  # fmt: skip
"""Flags of files that a run leaves behind; they do not change the run."""

NOT_REPEATED = (*OUTPUTS, "--yes", "--dry-run")
"""Flags that the command which repeats a run leaves to whoever repeats it."""

PLACES = frozenset((
    *NOT_REPEATED, "--record", "--state", "--slo-file", "--tls-ca", "--client-cert",
    "--client-key", "--cr-tls-cert", "--cr-tls-key", "--cr-tls-ca", "--acs-tls-cert",
    "--acs-tls-key", "--acs-client-ca", "--cr-port", "--cr-routes",
    "--run-token-file", "--acs-port", "--acs-nbi-port", "--metrics-port", "--metrics-host",
    "--web-allow-host", "--live-interval", "--quiet", "--json",
))  # fmt: skip
"""Flags of files, ports and what is printed: runs that differ in nothing else are alike."""

OF_EMBEDDED_ACS = ("--host", "--nbi-url")
"""Flags with the random ports of the embedded ACS, where a run has one."""

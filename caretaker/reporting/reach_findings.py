"""What a summary tells of CPEs that could not be reached by UDP or XMPP: a text each, or none."""

from __future__ import annotations

from collections.abc import Mapping

from caretaker.reporting.summary_types import Summary

MANY = 0.01
"""The share of the CPEs of a way from which on those that it does not reach spoil the run."""
NO_ANSWER = "no answer so far"
"""Of what was tried when the run ended before a server's silence was an outcome."""


def no_login(summary: Summary) -> str:
    """Why no CPE has logged in to XMPP, in a run in which some tried."""
    xmpp = summary["xmpp"]
    return _none(xmpp["bound"], xmpp["failed"], xmpp["not_connected"], xmpp["logins"])


def no_binding(summary: Summary) -> str:
    """Why no CPE has found its NAT binding, in a run in which some tried."""
    stun = summary["stun"]
    silent = {"server is silent": stun["silent"]} if stun["silent"] else {}
    errors = {f"error {code}": number for code, number in stun["errors"].items()}
    failed = {**silent, **errors, **stun["unsent"]}
    return _none(stun["answered"], failed, stun["unanswered"], stun["sent"])


def _none(
    succeeded: int, failed: Mapping[str, int], standing: Mapping[str, int], tried: int
) -> str:  # fmt: skip
    """Why nothing has succeeded: by what failed, what stands so at the end, or what was tried."""
    waiting = {NO_ANSWER: tried} if tried else {}
    return "" if succeeded else _told(failed or standing or waiting)


def not_connected(summary: Summary, *, many: bool) -> str:
    """
    How many of the CPEs with an XMPP account were not connected at the end, and why.

    Args:
        summary: of the run; empty for one without any login, of which ``no_login`` tells.
        many: whether to tell of many of them, or of few.
    """
    what = "were not connected to the XMPP server at the end"
    xmpp = summary["xmpp"]
    return _some(xmpp["bound"], xmpp["not_connected"], xmpp["cpes"], what, many=many)


def unanswered(summary: Summary, *, many: bool) -> str:
    """As ``not_connected``, of the CPEs that use STUN and had no answer to their last request."""
    what = "had no answer of the STUN server to their last request"
    stun = summary["stun"]
    return _some(stun["answered"], stun["unanswered"], stun["cpes"], what, many=many)


def _some(
    succeeded: int, reasons: Mapping[str, int], cpes: int, what: str, *, many: bool
) -> str:  # fmt: skip
    """Those that are not reached, of all; empty where they are not as many as is asked for."""
    number = sum(reasons.values())
    if not succeeded or not number or (number >= MANY * cpes) is not many:
        return ""
    return f"{number:,} of {cpes:,} CPEs {what}: {_told(reasons)}"


def _told(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} x {reason}" for reason, number in reasons.items())

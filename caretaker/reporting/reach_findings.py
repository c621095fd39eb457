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
    waiting = {NO_ANSWER: xmpp["logins"]} if xmpp["logins"] else {}
    return "" if xmpp["bound"] else _told(xmpp["failed"] or xmpp["not_connected"] or waiting)


def no_binding(summary: Summary) -> str:
    """Why no CPE has found its NAT binding, in a run in which some tried."""
    stun = summary["stun"]
    silent = {"server is silent": stun["silent"]} if stun["silent"] else {}
    errors = {f"error {code}": number for code, number in stun["errors"].items()}
    waiting = {NO_ANSWER: stun["sent"]} if stun["sent"] else {}
    failed = {**silent, **errors, **stun["unsent"]}
    return "" if stun["answered"] else _told(failed or stun["unanswered"] or waiting)


def not_connected(summary: Summary, *, many: bool) -> str:
    """
    How many of the CPEs with an XMPP account were not connected at the end, and why.

    Args:
        summary: of the run; empty for one without any login, of which ``no_login`` tells.
        many: whether to tell of many of them, or of few.
    """
    xmpp = summary["xmpp"]
    what = "were not connected to the XMPP server at the end"
    return _share(xmpp["not_connected"], xmpp["cpes"], what, many=many) if xmpp["bound"] else ""


def unanswered(summary: Summary, *, many: bool) -> str:
    """
    How many of the CPEs that use STUN had no answer to their last request, and why.

    Args:
        summary: of the run; empty for one without any answer, of which ``no_binding`` tells.
        many: whether to tell of many of them, or of few.
    """
    stun = summary["stun"]
    what = "had no answer of the STUN server to their last request"
    return _share(stun["unanswered"], stun["cpes"], what, many=many) if stun["answered"] else ""


def _share(reasons: Mapping[str, int], cpes: int, what: str, *, many: bool) -> str:
    """Those that are not reached, of all; empty where they are not as many as is asked for."""
    number = sum(reasons.values())
    if not number or (number >= MANY * cpes) is not many:
        return ""
    return f"{number:,} of {cpes:,} CPEs {what}: {_told(reasons)}"


def _told(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} x {reason}" for reason, number in reasons.items())

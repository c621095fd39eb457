"""The summary of a run as text for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from caretaker.reporting.generator_limits import GeneratorFigures, generator_limits
from caretaker.reporting.lost_workers import started_anew
from caretaker.reporting.measurement_error import stated
from caretaker.reporting.number_text import NO_DATA
from caretaker.reporting.reach_tables import tried_ways
from caretaker.reporting.summary_types import (
    ConnectionRequestsSection,
    EngineSection,
    FleetSection,
    InformsSection,
    LevelVerdict,
    Percentiles,
    ScenarioSection,
    SessionsSection,
    STUNSection,
    Summary,
    TasksSection,
    UnfinishedWait,
    VerdictSection,
    WaySection,
    XMPPSection,
)
from caretaker.reporting.verdict import described, further_grounds, judge
from caretaker.stats.task_outcomes import failed_parts

_SESSIONS = ("started", "succeeded", "failed", "shed", "abandoned", "unfinished")
_TRANSFERS = ("requested", "succeeded", "failed", "cancelled", "dropped", "pending")
_XMPP = ("logins", "bound", "lost", "answered")
_STUN = ("sent", "answered", "silent", "found", "changed", "malformed", "lost_requests")
_RECORDINGS = ("sampled", "failed", "left_out", "unwritten")


def render(summary: Summary) -> str:
    """The summary as text for a terminal."""
    figures = {
        **_of_fleet(summary["fleet"]),
        **_of_informs(summary["informs"]),
        **_of_sessions(summary["sessions"]),
        **_of_connection_requests(summary["connection_requests"]),
        **_of_ways(summary),
        "Tasks": _tasks(summary["tasks"]),
        "  latency": _ms(summary["tasks"]["latency_ms"]),
        **_of_generator(summary),
        **_of_some_runs(summary),
    }
    lines = (
        *(f"{name:<20}{figure}" for name, figure in figures.items()),
        *(_scenario(summary["scenario"]) if "scenario" in summary else ()),
        *_failures(summary),
        *map(_unfinished, summary["sessions"]["unfinished_waits"]),
        *_levels(summary.get("service_levels", ())),
        *_verdict(judge(summary)),
    )
    return "\n".join(lines)


def _of_fleet(fleet: FleetSection) -> dict[str, str]:
    profiles = _listed(fleet["profiles"])
    workers = " + ".join(str(number) for number in fleet["by_worker"].values())
    return {
        "Fleet": f"{fleet['cpes']} CPEs over {fleet['workers']} workers ({workers}): {profiles}",
        **({"  reach": _listed(fleet["by_reach"])} if fleet["by_reach"] else {}),
        **({"  lost": _lost(fleet)} if fleet["lost"] else {}),
        **({"  taken over": started_anew(fleet)} if fleet["from_factory"] else {}),
    }


def _listed(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in numbers.items())


def _of_informs(informs: InformsSection) -> dict[str, str]:
    events = ", ".join(f"{code} {n}" for code, n in informs["by_event"].items())
    return {
        "Informs": f"{informs['total']} of {informs['planned']} planned: {events}",
        "  from plan": _ms(informs["from_plan_ms"]),
    }


def _of_sessions(sessions: SessionsSection) -> dict[str, str]:
    return {
        "Sessions": f"{_outcomes(sessions, *_SESSIONS)}; {_per_second(sessions)} per second",
        "  duration": _ms(sessions["duration_ms"]),
    }


def _of_connection_requests(crs: ConnectionRequestsSection) -> dict[str, str]:
    balance = "balanced" if crs["books_balance"] else "NOT BALANCED"
    ends = _outcomes(crs, "delivered", "coalesced", "pending", "dropped", separator=" + ")
    return {
        "CRs": _outcomes(crs, "received", "accepted", "unauthorized", "not_found", "refused"),
        "  books": f"{crs['accepted']} accepted = {ends}: {balance}",
        "  to Inform": _ms(crs["to_inform_ms"]),
        "  to InformResponse": _ms(crs["to_informresponse_ms"]),
        "  to session end": _ms(crs["to_session_end_ms"]),
    }


def _of_ways(summary: Summary) -> dict[str, str]:
    """What came by each way, unless all CPEs were reached by HTTP."""
    ways = summary["connection_requests"]["by_way"]
    return {
        f"  by {way}": _of_way(ways[way]) if way in ways else "none received"
        for way in tried_ways(summary)
    }


def _of_way(crs: WaySection) -> str:
    ends = _outcomes(crs, "delivered", "coalesced", "pending", "dropped", separator=" + ")
    return f"{crs['accepted']} accepted = {ends}; to Inform {_ms(crs['to_inform_ms'])}"


def _of_generator(summary: Summary) -> dict[str, str]:
    generator, limits = summary["generator"], generator_limits(GeneratorFigures.of_run(summary))
    return {
        "Generator": f"CPU {_by_worker(generator['cpu_percent']['mean'], '%')}; "
        f"memory {_by_worker(generator['rss_mb'], ' MB')}",
        "  lateness": _ms(generator["lateness_ms"]),
        "  wait for a place": _ms(generator["place_wait_ms"]),
        "  loop lag": _ms(generator["loop_lag_ms"]),
        "  error": stated(generator["error"], limited=bool(limits)),
    }


def _of_some_runs(summary: Summary) -> dict[str, str]:
    """What most runs have nothing of."""
    figures = {}
    if summary.get("settings", {}).get("--tls-insecure"):
        figures["TLS"] = "nobody verified the ACS's certificate (--tls-insecure)"
    if summary["warm_up_s"]:
        figures["Warm-up"] = f"{summary['warm_up_s']:g} s, only in the timeline and the books"
    if summary["transfers"]["requested"]:
        figures["Transfers"] = _outcomes(summary["transfers"], *_TRANSFERS)
    figures |= _engine(summary["engine"])
    if summary["addresses"]["passed_over"]:
        reasons = summary["addresses"]["reasons"]
        why = ", ".join(f"{reason} {number}" for reason, number in reasons.items())
        figures["Addresses"] = f"{summary['addresses']['passed_over']} passed over: {why}"
    figures |= _stun(summary["stun"]) | _xmpp(summary["xmpp"])
    if any(summary["recordings"].values()):
        figures["Recordings"] = _outcomes(summary["recordings"], *_RECORDINGS)
    if any(summary["tls"].values()):
        figures["TLS"] = _outcomes(summary["tls"], "resumed", "full")
    if any(summary["export"].values()):
        figures["Export"] = _outcomes(summary["export"], "rows", "unwritten")
    if any(summary["state"].values()):
        figures["State"] = _outcomes(summary["state"], *summary["state"])
    return figures


def _engine(engine: EngineSection) -> dict[str, str]:
    """How many sessions the I/O engine carried, and why greenlets ran others."""
    if not (engine["carried"] or engine["by_greenlet"]):
        return {}
    reasons = {
        "handed over": engine["handed_over"],
        "by greenlets": engine["by_greenlet"],
    }
    others = {
        f"  {name}": ", ".join(f"{number} {reason}" for reason, number in of_name.items())
        for name, of_name in reasons.items()
        if of_name
    }
    return {"I/O engine": f"{engine['carried']} sessions carried", **others}


def _stun(stun: STUNSection) -> dict[str, str]:
    """What became of Binding Requests, where any were to be sent."""
    if not (stun["sent"] or stun["unsent"]):
        return {}
    failures = {**stun["errors"], **stun["unsent"]}
    why = ", ".join(f"{name} {number}" for name, number in failures.items())
    return {"STUN": _outcomes(stun, *_STUN), **({"  failed": why} if why else {})}


def _xmpp(xmpp: XMPPSection) -> dict[str, str]:
    """What became of logins at XMPP servers, where any were tried."""
    if not xmpp["logins"]:
        return {}
    why = ", ".join(f"{reason} {number}" for reason, number in xmpp["failed"].items())
    return {"XMPP": _outcomes(xmpp, *_XMPP), **({"  lost by": why} if why else {})}


def _verdict(verdict: VerdictSection) -> Iterator[str]:
    """The outcome with its finding, and below it each ground that this does not say."""
    yield f"{'Result':<20}{verdict['outcome']}: {verdict['finding']}"
    for ground in further_grounds(verdict):
        yield f"{'  ' + ground['outcome']:<20}{ground['text']}"


def _failures(summary: Summary) -> Iterator[str]:
    """Each reason with its number, and what helps."""
    cures = summary["cures"]
    for section in (summary["sessions"], summary["tasks"], summary["transfers"]):
        for reason, number in section["reasons"].items():
            yield f"{'  failure':<20}{number} x {reason}"
            if reason in cures:
                yield f"{'':<22}{cures[reason]}"


def _unfinished(wait: UnfinishedWait) -> str:
    longest = f"longest {wait['longest_ms'] / 1000:.1f} s"
    what = f"{wait['number']} x waited for {wait['waited_for']} ({wait['blame']}), {longest}"
    return f"{'  unfinished':<20}{what}"


def _lost(fleet: FleetSection) -> str:
    """How many workers were lost with how many CPEs; the grounds of the verdict name them."""
    cpes = sum(lost["cpes"] for lost in fleet["lost"])
    return f"{fleet['workers_lost']} of {fleet['workers_joined']} workers, with {cpes} CPEs"


def _levels(verdicts: Sequence[LevelVerdict]) -> Iterator[str]:
    if not verdicts:
        return
    number = Counter(verdict["outcome"] for verdict in verdicts)
    yield f"{'Service levels':<20}" + ", ".join(f"{n} {outcome}" for outcome, n in number.items())
    for verdict in verdicts:
        yield f"{'  ' + verdict['outcome']:<20}{described(verdict)}"


def _scenario(scenario: ScenarioSection) -> Iterator[str]:
    """What was played, its KPIs and findings."""
    yield f"{'Scenario':<20}{scenario['name']}"
    for name, value in scenario["kpis"].items():
        yield f"  {name.replace('_', ' ')} {NO_DATA if value is None else f'{value:g}'}"
    for sentence in scenario["findings"]:
        yield f"  * {sentence}"


def _per_second(sessions: SessionsSection) -> str:
    rate = sessions["per_second"]
    return NO_DATA if rate is None else f"{rate:g}"


def _ms(figures: Percentiles) -> str:
    return ", ".join(
        f"{name} {NO_DATA}" if value is None else f"{name} {value:g} ms"
        for name, value in figures.items()
    )


def _outcomes(section: Mapping[str, object], *names: str, separator: str = ", ") -> str:
    return separator.join(f"{section[name]} {name.replace('_', ' ')}" for name in names)


def _tasks(tasks: TasksSection) -> str:
    """The tasks by outcome: failures only where there are some."""
    parts = failed_parts(tasks)
    text = _outcomes(tasks, "posted", "done", "queued", "failed") + (f" ({parts})" if parts else "")
    text += f", {tasks['cut']} cut"
    text += f", {tasks['device_down']} device down" if tasks["device_down"] else ""
    text += f", {tasks['unreachable']} device unreachable" if tasks["unreachable"] else ""
    return text + (f"; {tasks['not_posted']} not posted" if tasks["not_posted"] else "")


def _by_worker(figures: Mapping[str, float], unit: str) -> str:
    return " / ".join(f"{value:g}{unit}" for value in figures.values())

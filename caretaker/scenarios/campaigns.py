"""Each CPE once: sweeps of Connection Requests, firmware campaigns, first contacts."""

from __future__ import annotations

from typing import ClassVar

from caretaker.scenarios.actions import ACTIONS
from caretaker.scenarios.arguments import Argument, number
from caretaker.scenarios.criterion import (
    ROOM_SECONDS,
    Criterion,
    broken,
    broken_by,
    held,
    not_shown,
    optional,
    within_limit,
)
from caretaker.scenarios.scenario import (
    SETTLE_SECONDS,
    FleetPlan,
    Scenario,
    ScenarioReport,
    ScenarioRun,
)
from caretaker.stats.recovery import convergence, reached
from caretaker.stats.results import Results

_REPORT_SECONDS = 5.0
"""Until the workers have reported what was done last."""


def _figure(value: float | None, unit: str = "") -> str:
    return "never" if value is None else f"{value:g}{unit}"


class _Campaign(Scenario):
    """Each CPE of a share is asked for something once, at a rate."""

    action: ClassVar[str]
    limit: ClassVar[str]
    """The argument that limits the time, in seconds."""
    enough: ClassVar[str]
    """The argument that says which share of the CPEs is enough."""
    participle: ClassVar[str]
    """What can be said of the CPEs when enough have done it."""
    began: float | None = None

    def needs(self, plan: FleetPlan) -> float:
        """As long as it takes to ask all CPEs, and the last of them to do it."""
        return SETTLE_SECONDS + self._takes(plan.cpes * self.given["share"], plan) + _REPORT_SECONDS

    def _takes(self, cpes: float, plan: FleetPlan) -> float:
        """Seconds until the last CPE has done it by itself."""
        return float(cpes / self.given["rate"]) + self.each_takes(plan)

    def each_takes(self, plan: FleetPlan) -> float:  # noqa: ARG002
        """Seconds that a CPE needs for it by itself."""
        return 0.0

    def play(self, run: ScenarioRun) -> None:
        """Begin, and note each second how many CPEs have done it, until all have or time is up."""
        run.settle()
        self.asked_before, self.done_before = self._asked(run), self.count(run.results())
        self.done: list[tuple[float, int]] = []
        self.began = run.now()
        run.act(self.action, **self.given_to(self.action))
        self._note_progress(run)
        while not self._is_over(run):
            run.wait(1)
            self._note_progress(run)

    def _is_over(self, run: ScenarioRun) -> bool:
        asked, began = self._asked(run) - self.asked_before, self.began
        if not asked or began is None:
            return False
        return self.done[-1][1] >= asked or run.now() - began > self._within(asked, run)

    def _asked(self, run: ScenarioRun) -> int:
        return run.results().counters[f"actions.{self.action}.asked"]

    def _within(self, asked: int, run: ScenarioRun) -> float:
        given: float | None = self.given[self.limit]
        return round(self._takes(asked, run.plan()) + ROOM_SECONDS) if given is None else given

    def _note_progress(self, run: ScenarioRun) -> None:
        done = self.count(run.results()) - self.done_before
        if self.began is not None and (not self.done or self.done[-1][1] != done):
            self.done.append((round(run.now() - self.began, 1), done))

    def count(self, results: Results) -> int:
        """How many CPEs have done it."""
        raise NotImplementedError

    def curve(self, run: ScenarioRun) -> tuple[int, list[tuple[float, float]]]:
        """How many CPEs were asked, and (seconds, share of them that had done it)."""
        if self.began is None:
            return 0, []
        self._note_progress(run)
        asked = self._asked(run) - self.asked_before
        return asked, [(at, done / asked) for at, done in self.done] if asked else []

    def criterion(self, run: ScenarioRun) -> Criterion:
        """Whether enough CPEs have done it in time."""
        asked, curve = self.curve(run)
        if self.began is None or not asked:
            return not_shown("the run ended before a CPE was asked")
        within, enough = self._within(asked, run), self.given[self.enough]
        took, seen = reached(curve, enough), run.now() - self.began
        limit, verb = f"limit {within:g} s", self.participle.lower()
        if took is not None and took <= within:
            of_all = f"{enough:.0%} of {asked:,} CPEs"
            return held(f"{self.participle} in {took:g} s ({limit}): {of_all}")
        share = max(share for at, share in curve if at <= within)
        done = f"{round(share * asked):,} of {asked:,} CPEs, {enough:.0%} wanted"
        if took is None and seen < within:
            return not_shown(f"the run ended {seen:.0f} s after its begin ({limit}): {done}")
        late = "" if took is None else f", but in {took:g} s"
        finding = f"Not {verb} within {within:g} s{late}: {done}"
        over = (seen if took is None else took) - within
        return broken_by(over, run, finding)


class CRSweep(_Campaign):
    """A Connection Request for each CPE, at a rate."""

    name = "cr-sweep"
    action = "connection_request"
    limit, enough, participle = "cover-within", "coverage", "Covered"
    arguments: ClassVar = {
        "rate": ACTIONS["connection_request"].arguments["rate"],
        "share": ACTIONS["connection_request"].arguments["share"],
        "coverage": Argument(0.95, number(0, 1), "which part of these CPEs must be reached"),
        "cover-within": Argument(
            None,
            optional(number(1)),
            "seconds for that; without it, as long as asking takes, and a minute",
        ),
    }

    def count(self, results: Results) -> int:
        """CPEs whose Connection Request or task succeeded."""
        return results.counters["actions.connection_request.done"]

    def report(self, run: ScenarioRun) -> ScenarioReport:
        """The share of CPEs that were reached, and how long that took."""
        asked, curve = self.curve(run)
        if not curve:
            nothing = {"asked": asked, "coverage": None, "duration_s": None}
            return ScenarioReport(nothing, criterion=self.criterion(run))
        took, covered = curve[-1]
        kpis: dict[str, float | None] = {
            "asked": asked, "coverage": round(covered, 4), "duration_s": took
        }  # fmt: skip
        sentence = f"{covered:.1%} of {asked} CPEs were reached, the last one after {took:g} s."
        return ScenarioReport(kpis, [sentence], {"coverage": curve}, criterion=self.criterion(run))


class FirmwareCampaign(_Campaign):
    """Each CPE of a share downloads an image and reboots into its version."""

    name = "firmware-campaign"
    action = "firmware"
    limit, enough, participle = "converge-within", "converge-share", "Converged"
    arguments: ClassVar = {
        **ACTIONS["firmware"].arguments,
        "converge-share": Argument(
            0.95, number(0, 1), "which part of these CPEs must have the version"
        ),
        "converge-within": Argument(
            None,
            optional(number(1)),
            "seconds for that; without it, as long as asking, the "
            "longest download and the longest reboot take, and a minute",
        ),
    }

    def each_takes(self, plan: FleetPlan) -> float:
        """The longest download, and the reboot."""
        return plan.download_seconds

    def count(self, results: Results) -> int:
        """CPEs whose TransferComplete without a fault the ACS has answered, after the reboot."""
        delivered = results.counters["events.delivered.M Download"]
        return max(0, delivered - sum(results.with_prefix("transfers.faults").values()))

    def report(self, run: ScenarioRun) -> ScenarioReport:
        """When 50, 95 and 100 % of the CPEs had the new version."""
        asked, curve = self.curve(run)
        kpis: dict[str, float | None] = {"asked": asked, **convergence(curve)}
        if not curve:
            return ScenarioReport(kpis, criterion=self.criterion(run))
        half, almost, whole = (_figure(kpis[f"time_to_{n}_percent_s"], " s") for n in (50, 95, 100))
        share = f"{kpis['converged']:.1%} of {asked} CPEs"
        converged = f"{share} run {self.given['version']} and have said so"
        when = f"50 % after {half}, 95 % after {almost}, all after {whole}"
        return ScenarioReport(
            kpis,
            [f"{converged}: {when}."],
            {"converged": curve},
            criterion=self.criterion(run),
        )


class NATRebind(_Campaign):
    """The bindings of all NATs change at once, and the ACS learns where its CPEs are now."""

    name = "nat-rebind"
    action = "nat_rebind"
    limit, enough, participle = "report-within", "coverage", "Reported"
    arguments: ClassVar = {
        "share": ACTIONS["nat_rebind"].arguments["share"],
        "coverage": Argument(
            0.95, number(0, 1), "which part of these CPEs must have told their new address"
        ),
        "report-within": Argument(
            None,
            optional(number(1)),
            "seconds for that; without it, the longest keep-alive and a minute",
        ),
    }

    def _takes(self, cpes: float, plan: FleetPlan) -> float:  # noqa: ARG002
        """Until the next keep-alive of each CPE, which finds the new binding."""
        return plan.stun_keep_alive

    def count(self, results: Results) -> int:
        """CPEs whose new address the ACS has had in an Inform that it answered."""
        return results.counters["actions.nat_rebind.done"]

    def report(self, run: ScenarioRun) -> ScenarioReport:
        """When 50, 95 and 100 % of the new addresses were known to the ACS."""
        asked, curve = self.curve(run)
        kpis: dict[str, float | None] = {"asked": asked, **convergence(curve)}
        if self.began is not None and not asked:
            nobody = not_shown("no CPE has a NAT binding; give --reach with stun")
            return ScenarioReport(kpis, criterion=nobody)
        half, almost, whole = (_figure(kpis[f"time_to_{n}_percent_s"], " s") for n in (50, 95, 100))
        told = f"The ACS was told the new addresses of {asked:,} CPEs"
        sentence = f"{told}: 50 % after {half}, 95 % after {almost}, all after {whole}."
        return ScenarioReport(
            kpis, [sentence] if curve else [], {"reported": curve}, criterion=self.criterion(run)
        )


class Provisioning(Scenario):
    """First contacts of new CPEs: those of the start, or more while the fleet runs."""

    name = "provisioning"
    arguments: ClassVar = {
        "cpes": Argument(0.0, number(0, 1e7), "how many new ones; 0: the first ones of the run"),
        "rate": Argument(20.0, number(0.01), "new ones per second"),
        "p99": Argument(5000.0, number(1), "ms of the first contact, of 99 %"),
    }
    before = Results()
    """The results before the new CPEs; empty if all first contacts of the run count."""

    @property
    def new_cpes(self) -> int:
        """As many as are given."""
        return int(self.given["cpes"])

    def needs(self, plan: FleetPlan) -> float:  # noqa: ARG002
        """Until the last of the new CPEs is there, and was heard of."""
        settle = SETTLE_SECONDS if self.new_cpes else 0.0
        return settle + self.new_cpes / float(self.given["rate"]) + _REPORT_SECONDS

    def play(self, run: ScenarioRun) -> None:
        """Add the new CPEs, if the arguments ask for some."""
        if self.new_cpes:
            run.settle()
            run.catch_up()
            self.before, self.began = run.results(), run.now()
            run.grow(self.new_cpes, self.given["rate"])

    began = 0.0

    def report(self, run: ScenarioRun) -> ScenarioReport:
        """How long first contacts took, from the planned Inform to the end of the session."""
        name = "sessions.first_contact"
        times = run.results().histogram(name).since(self.before.histogram(name))
        percentiles = times.summary(50, 95, 99)
        seconds = max(1.0, run.now() - self.began)
        kpis: dict[str, float | None] = {
            "first_contacts": times.count,
            "first_contacts_per_second": round(times.count / seconds, 2),
            **{f"first_contact_{name}_ms": value for name, value in percentiles.items()},
        }
        p50, p99 = percentiles["p50"], percentiles["p99"]
        criterion = self._criterion(run, times.count, p99)
        if p50 is None or p99 is None:
            return ScenarioReport(kpis, criterion=criterion)
        sentence = (f"{times.count} CPEs had their first contact: half of them within "
                    f"{p50:g} ms, 99 % within {p99:g} ms.")  # fmt: skip
        return ScenarioReport(kpis, [sentence], criterion=criterion)

    def _criterion(self, run: ScenarioRun, contacts: int, p99: float | None) -> Criterion:
        limit, missing = self.given["p99"], self._new(run) - contacts
        if p99 is None and missing <= 0:
            return not_shown("no CPE had a first contact to make")
        if missing > 0 or p99 is None:
            return self._incomplete(run, missing)
        finding = f"{contacts:,} first contacts, 99 % within {p99:g} ms (limit {limit:g} ms)"
        return within_limit((p99 - limit) / 1000, run, finding)

    def _new(self, run: ScenarioRun) -> int:
        """How many CPEs have a first contact to make."""
        raised = "events.raised.0 BOOTSTRAP"
        seen = run.results().counters[raised] - self.before.counters[raised]
        return max(seen, int(self.given["cpes"]))

    def _incomplete(self, run: ScenarioRun, missing: int) -> Criterion:
        """CPEs without a first contact are the ACS's fault when all have tried for long enough."""
        cpes = float(self.given["cpes"])
        added_by = self.began + cpes / self.given["rate"] if cpes else run.plan().up_after
        after = run.now() - added_by
        if after < ROOM_SECONDS:
            return not_shown(f"{missing:,} CPEs had no first contact before the run ended")
        return broken(f"{missing:,} CPEs had no first contact within {after:.0f} s")

"""Each CPE once: sweeps of Connection Requests, firmware campaigns, first contacts."""

from __future__ import annotations

from typing import ClassVar

from caretaker.scenarios.actions import ACTIONS, Argument, number
from caretaker.scenarios.scenario import Scenario, ScenarioReport, ScenarioRun
from caretaker.stats.recovery import convergence
from caretaker.stats.results import Results


def _figure(value: float | None, unit: str = "") -> str:
    return "never" if value is None else f"{value:g}{unit}"


class _Campaign(Scenario):
    """Each CPE of a share is asked for something once, at a rate."""

    action: ClassVar[str]
    began: float | None = None

    def play(self, run: ScenarioRun) -> None:
        """Begin, and note each second how many CPEs have done it."""
        run.settle()
        self.before, self.done = self.count(run.results()), list[tuple[float, int]]()
        self.began = run.now()
        run.act(self.action, **self.given)
        while True:
            run.wait(1)
            self._note_progress(run)

    def _note_progress(self, run: ScenarioRun) -> None:
        done = self.count(run.results()) - self.before
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
        asked = run.results().counters[f"actions.{self.action}.asked"]
        return asked, [(at, done / asked) for at, done in self.done] if asked else []


class CRSweep(_Campaign):
    """A Connection Request for each CPE, at a rate."""

    name = "cr-sweep"
    action = "connection_request"
    arguments: ClassVar = {
        name: ACTIONS["connection_request"].arguments[name] for name in ("rate", "share")
    }

    def count(self, results: Results) -> int:
        """CPEs whose Connection Request or task succeeded."""
        return results.counters["actions.connection_request.done"]

    def report(self, run: ScenarioRun) -> ScenarioReport:
        """The share of CPEs that were reached, and how long that took."""
        asked, curve = self.curve(run)
        if not curve:
            nothing = {"asked": asked, "coverage": None, "duration_s": None}
            return ScenarioReport(nothing, ["No CPE was asked for a Connection Request."])
        took, covered = curve[-1]
        kpis: dict[str, float | None] = {
            "asked": asked, "coverage": round(covered, 4), "duration_s": took
        }  # fmt: skip
        sentence = f"{covered:.1%} of {asked} CPEs were reached, the last one after {took:g} s."
        return ScenarioReport(kpis, [sentence], {"coverage": curve})


class FirmwareCampaign(_Campaign):
    """Each CPE of a share downloads an image and reboots into its version."""

    name = "firmware-campaign"
    action = "firmware"
    arguments = ACTIONS["firmware"].arguments

    def count(self, results: Results) -> int:
        """CPEs whose TransferComplete without a fault the ACS has answered, after the reboot."""
        delivered = results.counters["events.delivered.M Download"]
        return max(0, delivered - sum(results.with_prefix("transfers.faults").values()))

    def report(self, run: ScenarioRun) -> ScenarioReport:
        """When 50, 95 and 100 % of the CPEs had the new version."""
        asked, curve = self.curve(run)
        kpis: dict[str, float | None] = {"asked": asked, **convergence(curve)}
        if not curve:
            return ScenarioReport(kpis, ["No CPE was asked for a download."])
        half, almost, whole = (_figure(kpis[f"time_to_{n}_percent_s"], " s") for n in (50, 95, 100))
        share = f"{kpis['converged']:.1%} of {asked} CPEs"
        converged = f"{share} run {self.given['version']} and have said so"
        when = f"50 % after {half}, 95 % after {almost}, all after {whole}"
        return ScenarioReport(kpis, [f"{converged}: {when}."], {"converged": curve})


class Provisioning(Scenario):
    """First contacts of new CPEs: those of the start, or more while the fleet runs."""

    name = "provisioning"
    arguments: ClassVar = {
        "cpes": Argument(0.0, number(0, 1e7), "how many new ones; 0: the first ones of the run"),
        "rate": Argument(20.0, number(0.01), "new ones per second"),
    }
    before = Results()
    """The results before the new CPEs; empty if all first contacts of the run count."""

    def play(self, run: ScenarioRun) -> None:
        """Add the new CPEs, if the arguments ask for some."""
        if self.given["cpes"]:
            run.settle()
            run.catch_up()
            self.before, self.began = run.results(), run.now()
            run.grow(int(self.given["cpes"]), self.given["rate"])

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
        if p50 is None or p99 is None:
            return ScenarioReport(kpis, ["No CPE had its first contact."])
        sentence = (f"{times.count} CPEs had their first contact: half of them within "
                    f"{p50:g} ms, 99 % within {p99:g} ms.")  # fmt: skip
        return ScenarioReport(kpis, [sentence])

"""Each CPE once: sweeps of Connection Requests, firmware campaigns, first contacts."""

from __future__ import annotations

from typing import ClassVar

from caretaker.scenarios.actions import ACTIONS, Argument, number
from caretaker.scenarios.scenario import Run, Scenario, ScenarioReport, since
from caretaker.stats.recovery import convergence
from caretaker.stats.results import Results


def _figure(value: float | None, unit: str = "") -> str:
    return "never" if value is None else f"{value:g}{unit}"


class _Campaign(Scenario):
    """Each CPE of a share is asked for something once, at a rate; ends when all have done it."""

    action: ClassVar[str]
    began: float | None = None

    def play(self, run: Run) -> None:
        """Begin, and watch how it spreads."""
        run.settle()
        self.before, self.done = self.count(run.results()), list[tuple[float, int]]()
        self.began = run.now()
        run.act(self.action, **self.given)
        while True:
            run.wait(1)
            self._look(run)

    def _look(self, run: Run) -> None:
        done = self.count(run.results()) - self.before
        if self.began is not None and (not self.done or self.done[-1][1] != done):
            self.done.append((round(run.now() - self.began, 1), done))

    def count(self, results: Results) -> int:
        """How many CPEs have done it."""
        raise NotImplementedError

    def curve(self, run: Run) -> tuple[int, list[tuple[float, float]]]:
        """How many CPEs were asked, and the share that had done it over time."""
        if self.began is None:
            return 0, []
        self._look(run)
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
        """Those that were there for what the operator wanted."""
        return results.counters["actions.connection_request.done"]

    def report(self, run: Run) -> ScenarioReport:
        """Coverage and duration."""
        asked, curve = self.curve(run)
        covered, took = (curve[-1][1], curve[-1][0]) if curve else (0.0, 0.0)
        kpis = {"asked": asked, "coverage": round(covered, 4), "duration_s": took}
        said = f"{covered:.1%} of {asked} CPEs were reached, the last one after {took:g} s."
        return ScenarioReport(kpis, [said], {"coverage": curve})


class FirmwareCampaign(_Campaign):
    """Each CPE of a share downloads an image and reboots into its version."""

    name = "firmware-campaign"
    action = "firmware"
    arguments = ACTIONS["firmware"].arguments

    def count(self, results: Results) -> int:
        """Those that have told the ACS with TransferComplete, after the reboot."""
        count = results.counters
        told = count["events.delivered.M Download"]
        return max(0, told - sum(results.with_prefix("transfers.faults").values()))

    def report(self, run: Run) -> ScenarioReport:
        """How the new version has spread."""
        asked, curve = self.curve(run)
        kpis: dict[str, float | None] = {"asked": asked, **convergence(curve)}
        half, almost, whole = (_figure(kpis[f"time_to_{n}_percent_s"], " s") for n in (50, 95, 100))
        said = (
            f"{kpis['converged']:.1%} of {asked} CPEs run {self.given['version']} and have said so"
        )
        when = f"50 % after {half}, 95 % after {almost}, all after {whole}"
        return ScenarioReport(kpis, [f"{said}: {when}."], {"converged": curve})


class Provisioning(Scenario):
    """New CPEs have their first contact: those of the start, or more while the fleet runs."""

    name = "provisioning"
    arguments: ClassVar = {
        "cpes": Argument(0.0, number(0, 1e7), "how many new ones; 0: the first ones of the run"),
        "rate": Argument(20.0, number(0.01), "new ones per second"),
    }
    before: Results | None = None

    def play(self, run: Run) -> None:
        """Have them installed."""
        if self.given["cpes"]:
            run.settle()
            run.catch_up()
            self.before, self.began = run.results(), run.now()
            run.grow(int(self.given["cpes"]), self.given["rate"])

    began = 0.0

    def report(self, run: Run) -> ScenarioReport:
        """How long first contacts took, from the plan to the end of the session."""
        times = since(run.results(), self.before, "sessions.first_contact")
        found = times.summary(50, 95, 99)
        seconds = max(1.0, run.now() - self.began)
        kpis: dict[str, float | None] = {
            "first_contacts": times.count,
            "first_contacts_per_second": round(times.count / seconds, 2),
            **{f"first_contact_{name}_ms": value for name, value in found.items()},
        }
        said = (f"{times.count} CPEs had their first contact: half of them within "
                f"{found['p50']:g} ms, 99 % within {found['p99']:g} ms.")  # fmt: skip
        return ScenarioReport(kpis, [said])

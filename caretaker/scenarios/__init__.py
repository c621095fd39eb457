"""
Scenarios: what is done to a fleet in a run, and the KPIs of how it went.

A scenario is a class with a ``play``, which does things to the fleet while the run goes on, and a
``report``, which makes KPIs and plain sentences of the results. ``disruptions`` has those after
which the fleet recovers, ``campaigns`` those in which each CPE does something once, ``steady``
those at a given rate, ``capacity`` the search for the largest rate. ``actions`` has everything
that can be done to a fleet. Write your own scenario in a locustfile::

    from caretaker.scenarios import SCENARIOS, ScenarioReport, Scenario

    class TwoCuts(Scenario):
        name = "two-cuts"

        def play(self, run):
            run.settle()
            run.act("power_cut", share=0.1, seconds=5)
            run.wait(10)
            run.act("power_cut", share=1, seconds=5)

        def report(self, run):
            return ScenarioReport({"cuts": 2}, ["The power was cut twice."])

    SCENARIOS[TwoCuts.name] = TwoCuts

and choose it with ``--scenario two-cuts``. ``docs/scenarios.md`` explains the rest.
"""

from caretaker.scenarios.catalogue import SCENARIOS, Schedule, Step, parse
from caretaker.scenarios.criterion import Criterion
from caretaker.scenarios.scenario import FleetPlan, Scenario, ScenarioReport, ScenarioRun

__all__ = [
    "SCENARIOS",
    "Criterion",
    "FleetPlan",
    "Scenario",
    "ScenarioReport",
    "ScenarioRun",
    "Schedule",
    "Step",
    "parse",
]

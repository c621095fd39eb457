"""``./scripts/chaos``: a run under faults of all kinds; is all as before when they have ended?"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Sequence

import psutil

from benchmarks.processes import ROOT
from chaos import kills
from chaos.arguments import BAD_INPUT, Parser, whole
from chaos.checks import CHECKS, Findings
from chaos.lab import CPES, Lab, LabError
from chaos.run import ChaosRun
from chaos.schedule import WORKERS, Disruption, rebalancing, schedule
from fuzz.extensions import engine_module

WORK = ROOT / "build" / "chaos"
"""A folder for each seed, with the outputs of all processes."""
_GOOD, _FAILED, _INTERRUPTED = 0, 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Play a run; returns 1 if a check fails, 2 for bad input, 130 after Ctrl-C."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        return kills.main(arguments[1:]) if arguments[:1] == ["kills"] else _main(arguments)
    except KeyboardInterrupt:
        print("chaos: interrupted", file=sys.stderr)
        return _INTERRUPTED


def _main(arguments: Sequence[str]) -> int:
    given = _parser().parse_args(arguments)
    if not sys.platform.startswith("linux"):
        print("chaos: it counts what processes hold in /proc, so it needs Linux", file=sys.stderr)
        return BAD_INPUT
    seconds = given.minutes * 60
    disruptions = schedule(given.seed, seconds)
    option = "with" if rebalancing(given.seed) else "without"
    print(f"chaos: seed {given.seed}, {given.minutes:g} minutes of faults; {CPES} CPEs, {WORKERS} "
          f"workers, {option} --enable-rebalancing")  # fmt: skip
    print("\n".join(f"  {disruption}" for disruption in disruptions), flush=True)
    again = _how_to_repeat(given.seed, given.minutes)
    try:
        return judge(_play(given.seed, seconds, disruptions), again)
    except (LabError, OSError, psutil.Error) as error:
        print(f"FAILED  {error}\n{again}")
        return _FAILED


def _parser() -> argparse.ArgumentParser:
    parser = Parser("scripts/chaos", description="A run under faults.")
    parser.add_argument("--seed", type=whole(0), default=1, metavar="N", help="of all faults")
    parser.add_argument(
        "--minutes", type=_minutes, default=2.0, metavar="M",
        help="of faults; the fleet then has its time to recover (2)",
    )  # fmt: skip
    return parser


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if 0.1 <= minutes <= 10_000:
        return minutes
    raise argparse.ArgumentTypeError(f"{text!r}: not a number from 0.1 to 10000")


def _play(seed: int, seconds: float, disruptions: Sequence[Disruption]) -> Findings:
    folder = WORK / f"seed-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:8.1f} s  {text}", flush=True)

    lab = Lab(seed, folder)
    run = ChaosRun(lab, disruptions, seconds, say)
    try:
        findings = run.play()
    finally:
        lab.kill()
    hit = ", ".join(f"{number} {kind}" for kind, number in sorted(lab.proxy.faults.items()))
    print(f"\n{lab.proxy.connections} connections, {lab.proxy.faults.total()} hit by a fault "
          f"({hit}); {run.done} of {len(disruptions)} disruptions")  # fmt: skip
    findings.has_engine = not isinstance(engine_module(), str)
    return findings


def _how_to_repeat(seed: int, minutes: float) -> str:
    outputs = (WORK / f"seed-{seed}").relative_to(ROOT)
    return f"again: ./scripts/chaos --seed {seed} --minutes {minutes:g}; all outputs: {outputs}"


def judge(findings: Findings, again: str) -> int:
    """Print a line for each check, and the result; returns 1 if one fails."""
    judged = {name: check(findings) for name, check in CHECKS.items()}
    for name, (good, figure) in judged.items():
        print(f"{'ok' if good else 'FAILED':8}{name:28}{figure}")
    failed = [name for name, (good, _) in judged.items() if not good]
    print(f"Result  {'failed: ' + ', '.join(failed) if failed else 'all as before'}\n{again}")
    return _FAILED if failed else _GOOD


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the processes of the run end, too
    sys.exit(main())

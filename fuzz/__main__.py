"""
``./scripts/fuzz``: fuzzes the parsers, and tells how far it came.

Each harness is a process of its own under atheris, which has the coverage of the code guide it. New
inputs are kept in ``build/fuzz``, so a later call goes on where this one ends.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec
from typing import NamedTuple

from fuzz.corpus import CORPUS, ROOT, inputs
from fuzz.harnesses import HARNESSES, MAX_BYTES

WORK = ROOT / "build" / "fuzz"
SECONDS = 60.0
"""Of all harnesses together, where no number of inputs is given."""
_EVENT = re.compile(r"^#([0-9]+)\s.*? cov: ([0-9]+) ", re.MULTILINE)
_WORD = re.compile(rb"[A-Za-z0-9._:/-]{2,40}|[<>]{1,2}|\r\n")
_DONE = re.compile(r"stat::number_of_executed_units: +([0-9]+)")
_BUG, _MISSING = 1, 2


class Run(NamedTuple):
    """
    How far one harness came.

    Args:
        inputs: that were run.
        edges: of the instrumented code that they reached.
        last_edge: the number of the input that reached the last new one.
        coverage: of lines and branches of the parser's modules, in percent.
        output: the end of the worker's output if it has found a bug, else empty.
    """

    inputs: int
    edges: int
    last_edge: int
    coverage: str
    output: str

    @classmethod
    def of(cls, output: str, coverage: str, *, failed: bool) -> Run:
        """Read what libFuzzer prints."""
        events = [(int(number), int(edges)) for number, edges in _EVENT.findall(output)]
        done = _DONE.search(output)
        edges = max((reached for _, reached in events), default=0)
        last = next((number for number, reached in events if reached == edges), 0)
        total = int(done[1]) if done else max((number for number, _ in events), default=0)
        return cls(total, edges, last, coverage, output[-3000:] if failed else "")

    def row(self, name: str) -> str:
        """The line that is printed."""
        new = "yes" if self.last_edge > 0.8 * self.inputs else "no"
        verdict = f"found a bug:\n{self.output}" if self.output else ""
        return (
            f"{name:16}{self.inputs:>12,}{self.edges:>8,}{new:>20}{self.coverage:>11} % {verdict}"
        )


HEAD = f"{'harness':16}{'inputs':>12}{'edges':>8}{'new in last fifth':>20}{'coverage':>13}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz, or replay the corpora; returns 1 if there is a bug, and 2 for bad input."""
    given = _parser().parse_args(arguments)
    names = given.harness or list(HARNESSES)
    if given.replay or not find_spec("atheris"):
        if not given.replay:
            print("fuzz: atheris can't be installed here, so the corpus is only replayed")
        return _replay(names)
    limits = [f"-runs={given.inputs}"]
    if given.inputs is None:
        limits = [f"-max_total_time={max(1, round((given.seconds or SECONDS) / len(names)))}"]
    print(HEAD, flush=True)
    with ThreadPoolExecutor(given.jobs) as pool:
        runs = list(pool.map(partial(_fuzz, limits), names))
    print(f"{'all':16}{sum(run.inputs for run in runs):>12,}")
    return _BUG if any(run.output for run in runs) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("scripts/fuzz", description="Fuzzes the parsers.")
    parser.add_argument(
        "--harness",
        action="append",
        choices=HARNESSES,
        metavar="NAME",
        help=f"one of {', '.join(HARNESSES)}; may be repeated; default: all",
    )
    parser.add_argument("--inputs", type=int, metavar="N", help="inputs for each harness")
    parser.add_argument(
        "--seconds",
        type=float,
        metavar="S",
        help=f"time for all harnesses together, without --inputs; default {SECONDS:g}",
    )
    parser.add_argument("--jobs", type=int, default=1, help="harnesses at a time; default 1")
    parser.add_argument("--replay", action="store_true", help="only replay the corpus")
    return parser  # fmt: skip


def _replay(names: Sequence[str]) -> int:
    for name in names:
        for _, data in inputs(name):
            HARNESSES[name].run(data)
    print(f"fuzz: replayed the corpus of {len(names)} harnesses")
    return 0


def _fuzz(limits: Sequence[str], name: str) -> Run:
    work = WORK / name
    work.mkdir(parents=True, exist_ok=True)
    folders = [str(work), str(CORPUS / name)]
    worker = subprocess.run(
        [sys.executable, "-m", "fuzz.worker", name, *limits, f"-max_len={MAX_BYTES}",
         "-print_final_stats=1", "-timeout=20", "-rss_limit_mb=2048", "-reload=0",
         _dictionary(name), f"-artifact_prefix={work}-", *folders],
        capture_output=True, text=True, errors="replace", check=False, cwd=ROOT,
    )  # fmt: skip
    said = worker.stderr + worker.stdout if worker.returncode else worker.stderr
    run = Run.of(said, _coverage(name, folders), failed=worker.returncode != 0)
    print(run.row(name), flush=True)
    return run


def _dictionary(name: str) -> str:
    """The option that names a file of the words in the corpus, which mutations then use whole."""
    words = {word for _, data in inputs(name) for word in _WORD.findall(data)}
    file = WORK / f"{name}.words"
    file.write_text("".join(f'"{_quoted(word)}"\n' for word in sorted(words)))
    return f"-dict={file}"


def _quoted(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def _coverage(name: str, folders: Sequence[str]) -> str:
    replay = subprocess.run(
        [sys.executable, "-m", "fuzz.coverage_of", name, *folders],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    return replay.stdout.strip().rpartition("\n")[2] or "-"


if __name__ == "__main__":
    sys.exit(main())

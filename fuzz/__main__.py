"""
``./scripts/fuzz``: fuzzes the parsers, and tells how far it came.

Each harness is a process of its own under atheris, which has the coverage of the code guide it. New
inputs are kept in ``build/fuzz``, so a later call goes on where this one ends. With ``--inputs``
the table has the coverage of branches, too, which takes longer.
"""

from __future__ import annotations

import argparse
import ast
import base64
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import NamedTuple

from fuzz.corpus import CORPUS, ROOT, inputs, replayed
from fuzz.harnesses import HARNESSES

WORK = ROOT / "build" / "fuzz"
SECONDS = 60.0
"""Of all harnesses together, where no number of inputs is given."""
_EVENT = re.compile(r"^#([0-9]+)\s.*? cov: ([0-9]+) ", re.MULTILINE)
_WORD = re.compile(rb"[A-Za-z0-9._:/-]{2,40}|[<>]{1,2}|\r\n")
_DONE = re.compile(r"stat::number_of_executed_units: +([0-9]+)")
_KEPT = re.compile(r"Test unit written to (.+)$", re.MULTILINE)
_MOST_OUTPUT = 3000
"""Characters of what a worker tells of a bug."""
_LONGEST_SECONDS = 60
"""Of an input, by the clock: it may have a small share of a busy machine."""
_LONGEST_WORD = 40
_BUG = 1


class Run(NamedTuple):
    """
    How far one harness came.

    Args:
        inputs: that were run.
        seconds: that they took.
        edges: of the parser's modules that they reached.
        last_edge: the number of the input that reached the last new one.
        finding: what it has found, with the input and how to see it again; empty without a bug.
        coverage: of the branches of the parser's modules, in percent.
    """

    inputs: int
    seconds: float
    edges: int
    last_edge: int
    finding: str = ""
    coverage: str = "-"

    @classmethod
    def of(cls, output: str, seconds: float) -> Run:
        """Read what libFuzzer prints."""
        events = [(int(number), int(edges)) for number, edges in _EVENT.findall(output)]
        done = _DONE.search(output)
        edges = max((reached for _, reached in events), default=0)
        last = next((number for number, reached in events if reached == edges), 0)
        total = int(done[1]) if done else max((number for number, _ in events), default=0)
        return cls(total, seconds, edges, last)

    def then(self, later: Run) -> Run:
        """This run and one that went on with the inputs that it has kept."""
        is_new = later.edges > self.edges
        return later._replace(
            inputs=self.inputs + later.inputs,
            seconds=self.seconds + later.seconds,
            edges=max(self.edges, later.edges),
            last_edge=self.inputs + later.last_edge if is_new else self.last_edge,
        )

    @property
    def has_settled(self) -> bool:
        """Whether the last fifth of the inputs has reached no new edge."""
        return self.last_edge <= 0.8 * self.inputs

    def row(self, name: str) -> str:
        """The line of the table, and what was found."""
        rate = self.inputs / max(self.seconds, 0.001)
        share = self.last_edge / max(self.inputs, 1)
        found = f"\n{self.finding}" if self.finding else ""
        return (
            f"| {name:20}|{self.inputs:>12,} |{rate:>9,.0f} |{self.edges:>6,} |{share:>14.1%} "
            f"|{self.coverage:>8} % |{found}"
        )


HEAD = f"""\
| {"harness":20}|{"inputs":>12} |{"per s":>9} |{"edges":>6} | last new edge |{"branches":>10} |
|{"-" * 21}|{"-" * 12}:|{"-" * 9}:|{"-" * 6}:|{"-" * 14}:|{"-" * 10}:|"""
ROUNDS = 6
"""Of a harness that finds new edges to the end; each has as many inputs as all before."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz, or replay the corpora; returns 1 if there is a bug, and 2 for bad input."""
    given = _parser().parse_args(arguments)
    names = given.harness or list(HARNESSES)
    if given.replay or not find_spec("atheris"):
        if not given.replay:
            print("fuzz: atheris can't be installed here, so the corpus is only replayed")
        return _replay(names)
    if given.merge:
        return _merge(names)
    seconds = max(1, round((given.seconds or SECONDS) / len(names)))
    print(HEAD, flush=True)
    with ThreadPoolExecutor(given.jobs) as pool:
        runs = list(pool.map(partial(_settled, given.inputs, seconds), names))
    print(f"| {'all':20}|{sum(run.inputs for run in runs):>12,} |")
    return _BUG if any(run.finding for run in runs) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("scripts/fuzz", description="Fuzzes the parsers.")
    parser.add_argument(
        "--harness",
        action="append",
        choices=HARNESSES,
        metavar="NAME",
        help=f"one of {', '.join(HARNESSES)}; may be repeated; default: all",
    )
    parser.add_argument(
        "--inputs",
        type=int,
        metavar="N",
        help="inputs for each harness, and more while it finds new edges",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        metavar="S",
        help=f"time for all harnesses together, without --inputs; default {SECONDS:g}",
    )
    parser.add_argument("--jobs", type=int, default=1, help="harnesses at a time; default 1")
    parser.add_argument("--replay", action="store_true", help="only replay the corpus")
    parser.add_argument(
        "--merge", action="store_true", help="only copy what earlier calls have found to the corpus"
    )
    return parser  # fmt: skip


def _replay(names: Sequence[str]) -> int:
    for name in names:
        replayed(name)
    print(f"fuzz: replayed the corpus of {len(names)} harnesses")
    return 0


def _settled(inputs: int | None, seconds: int, name: str) -> Run:
    """Fuzz for so many inputs, and on while there are new edges; without a number, for a time."""
    if inputs is None:
        run = _fuzz(f"-max_total_time={seconds}", name)
    else:
        run = _fuzz(f"-runs={inputs}", name)
        for _ in range(ROUNDS):
            if run.has_settled or run.finding:
                break
            run = run.then(_fuzz(f"-runs={run.inputs}", name))
        run = run._replace(coverage=_coverage(name))
    print(run.row(name), flush=True)
    return run


def _fuzz(limit: str, name: str) -> Run:
    began = time.monotonic()
    worker = _worker(
        name, limit, "-print_final_stats=1", f"-timeout={_LONGEST_SECONDS}",
        "-rss_limit_mb=2048", "-reload=0", dictionary(name), f"-artifact_prefix={WORK / name}-",
        str(WORK / name), str(CORPUS / name),
    )  # fmt: skip
    seconds = time.monotonic() - began
    run = Run.of(worker.stderr, seconds)
    return run._replace(finding=finding(name, worker)) if worker.returncode else run


def finding(name: str, worker: subprocess.CompletedProcess[str]) -> str:
    """What a worker tells of its bug, and how to see that again on any machine."""
    output = worker.stderr + worker.stdout
    kept = _KEPT.findall(output)
    found = f"found a bug in {name}:\n{output[-_MOST_OUTPUT:]}\n"
    if not kept:
        return (
            f"{found}no input was kept; exit code {worker.returncode} of {shlex.join(worker.args)}"
        )
    data = Path(kept[-1]).read_bytes()
    return (
        f"{found}input of {name}: {data!r}\nonce more: "
        f"echo {base64.b64encode(data).decode()} | base64 -d >tests/corpus/{name}/found "
        f"&& ./scripts/fuzz --replay --harness {name}"
    )


def _worker(name: str, *options: str) -> subprocess.CompletedProcess[str]:
    (WORK / name).mkdir(parents=True, exist_ok=True)
    harness = HARNESSES[name]
    modules = ",".join(module.__name__ for module in harness.modules)
    # A worker ends without deleting its temporary files.
    with TemporaryDirectory(dir=WORK) as folder:
        return subprocess.run(
            [sys.executable, "-m", "fuzz.worker", name, modules, f"-max_len={harness.max_bytes}",
             *options],
            capture_output=True, text=True, errors="replace", check=False, cwd=ROOT,
            env={**os.environ, "TMPDIR": folder},
        )  # fmt: skip


def _merge(names: Sequence[str]) -> int:
    """Copy the inputs that reach what none of the corpus does, as few as possible."""
    for name in names:
        before = len(list(inputs(name)))
        _worker(name, "-set_cover_merge=1", str(CORPUS / name), str(WORK / name))
        print(f"fuzz: {name}: {len(list(inputs(name))) - before} inputs are new")
    return 0


def dictionary(name: str) -> str:
    """The option that names a file of the words in corpus and parser; mutations use them whole."""
    words = {word for _, data in inputs(name) for word in _WORD.findall(data)}
    for module in HARNESSES[name].modules:
        words.update(_words_of(module))
    WORK.mkdir(parents=True, exist_ok=True)
    file = WORK / f"{name}.words"
    file.write_text("".join(f'"{_quoted(word)}"\n' for word in sorted(words)))
    return f"-dict={file}"


def _words_of(module: ModuleType) -> Iterator[bytes]:
    """The texts that a module compares with, or whose parts it looks for."""
    source = ROOT.joinpath(*module.__name__.split(".")).with_suffix(".py")
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            text = node.value
            word = text.encode("utf-8", "replace") if isinstance(text, str) else text
            if 1 < len(word) <= _LONGEST_WORD:  # longer ones are docstrings
                yield word


def _quoted(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def _coverage(name: str) -> str:
    replay = subprocess.run(
        [sys.executable, "-m", "fuzz.coverage_of", name, str(WORK / name), str(CORPUS / name)],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    return replay.stdout.strip().rpartition("\n")[2] or "-"


if __name__ == "__main__":
    sys.exit(main())

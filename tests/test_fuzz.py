"""What fuzzing has found worth keeping is read as it should be, by the compiled twin, too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import caretaker
from fuzz.__main__ import Run
from fuzz.corpus import CORPUS, inputs, outcomes
from fuzz.harnesses import HARNESSES


@pytest.mark.parametrize("name", HARNESSES)
def test_the_corpus_holds_no_bug(name: str) -> None:
    found = [HARNESSES[name].run(data) for _, data in inputs(name)]
    assert len(set(found)) > 1


def test_each_corpus_has_a_harness() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == set(HARNESSES)


def test_the_compiled_twin_reads_the_same(root: Path) -> None:
    if Path(caretaker.__file__).parents[1] == root:
        pytest.skip("these are the sources; ./scripts/compile --check tests what was made of them")
    code = "import json; from fuzz.corpus import outcomes; print(json.dumps(outcomes()))"
    plain = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, cwd=root, env={}
    )
    assert json.loads(plain.stdout) == outcomes()


def test_what_libfuzzer_prints_is_read() -> None:
    said = (
        "#10\tINITED cov: 25 ft: 40 corp: 4/132b\n"
        "#80\tNEW    cov: 26 ft: 41 corp: 5/149b\n"
        "#90\tREDUCE cov: 26 ft: 41 corp: 5/140b\n"
        "stat::number_of_executed_units: 100\n"
    )
    run = Run.of(said, "91", failed=False)
    assert run == (100, 26, 80, "91", "")
    assert run.row("dump").split() == ["dump", "100", "26", "no", "91", "%"]
    assert run._replace(last_edge=81).row("dump").split()[3] == "yes"

"""What fuzzing has found worth keeping is read as it should be, by the compiled twin, too."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import caretaker
from caretaker.swarm.options import OPTIONS
from fuzz.__main__ import HEAD, Run, dictionary, finding, main
from fuzz.corpus import CORPUS, outcomes, replayed
from fuzz.harness import Harness
from fuzz.harnesses import HARNESSES
from fuzz.option_harnesses import OF_FILES, OF_THE_MACHINE, READ


@pytest.mark.parametrize("name", HARNESSES)
def test_the_corpus_holds_no_bug(name: str) -> None:
    found = set(replayed(name).values())
    assert len(found) > 1
    assert any(not re.match("[A-Za-z]+Error: ", outcome) for outcome in found), "nothing is good"


def test_each_corpus_has_a_harness() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == set(HARNESSES)


def test_the_compiled_twin_reads_the_same(root: Path) -> None:
    if Path(caretaker.__file__).parents[1] == root:
        pytest.skip("these are the sources; ./scripts/compile --check tests what was made of them")
    code = "import json; from fuzz.corpus import outcomes; print(json.dumps(outcomes()))"
    path = {"PATH": os.environ["PATH"]}  # a compiler finds its own parts by it
    plain = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, cwd=root, env=path
    )
    assert json.loads(plain.stdout) == outcomes()


def test_what_libfuzzer_prints_is_read() -> None:
    said = (
        "#10\tINITED cov: 25 ft: 40 corp: 4/132b\n"
        "#80\tNEW    cov: 26 ft: 41 corp: 5/149b\n"
        "#90\tREDUCE cov: 26 ft: 41 corp: 5/140b\n"
        "stat::number_of_executed_units: 100\n"
    )
    run = Run.of(said, 2.0)
    assert run == (100, 2.0, 26, 80, "", "-")
    run = run._replace(coverage="91")
    cells = [cell.strip() for cell in run.row("dump").split("|")[1:-1]]
    assert cells == ["dump", "100", "50", "26", "80.0%", "91 %"]
    assert HEAD.splitlines()[0].count("|") == run.row("dump").count("|")
    assert run.has_settled
    assert not run._replace(last_edge=81).has_settled


def test_a_bug_is_told_with_its_input_and_the_command_that_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "a crash"
    kept.write_bytes(b"<a\xff>")
    worker = subprocess.CompletedProcess(
        ["python", "-m", "fuzz.worker"],
        77,
        "",
        f"Error: x\nTest unit written to {kept}\nBase64: x\n",
    )
    told = finding("envelope", worker)
    assert told.startswith("found a bug in envelope:\nError: x\n")
    assert told in Run(1, 1.0, 1, 1, told).row("envelope")
    shown, command = told.splitlines()[-2:]
    assert shown == r"input of envelope: b'<a\xff>'"
    (tmp_path / "tests/corpus/envelope").mkdir(parents=True)
    puts, replays = command.removeprefix("once more: ").split(" && ")
    subprocess.run(["bash", "-c", puts], check=True, cwd=tmp_path)
    assert (tmp_path / "tests/corpus/envelope/found").read_bytes() == b"<a\xff>"
    assert replays == "./scripts/fuzz --replay --harness envelope"
    killed = subprocess.CompletedProcess(["python", "-m", "fuzz.worker", "x y"], -9, "", "")
    assert finding("envelope", killed).endswith("exit code -9 of python -m fuzz.worker 'x y'")


def test_an_input_that_shows_a_bug_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(data: bytes) -> object:
        assert data != b"bad"
        return data

    monkeypatch.setitem(HARNESSES, "envelope", Harness(check, ()))
    monkeypatch.setattr("fuzz.corpus.CORPUS", tmp_path)
    (tmp_path / "envelope").mkdir()
    (tmp_path / "envelope" / "found").write_bytes(b"bad")
    with pytest.raises(AssertionError, match="envelope/found: this input shows a bug"):
        main(["--replay", "--harness", "envelope"])


def test_the_first_run_of_a_clone_makes_its_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fuzz.__main__.WORK", tmp_path / "build" / "fuzz")
    option = dictionary("envelope")
    words = Path(option.removeprefix("-dict=")).read_text()
    assert words.startswith('"\\x')
    assert "".join(f"\\x{byte:02x}" for byte in b"MaxEnvelopes") in words, "a word of the parser"


def test_a_harness_goes_on_from_where_it_was() -> None:
    first = Run(100, 1.0, 26, 90, "")
    assert first.then(Run(100, 2.0, 26, 10, "")) == (200, 3.0, 26, 90, "", "-")
    assert first.then(Run(100, 2.0, 27, 10, "")) == (200, 3.0, 27, 110, "", "-")


PARSERS = {
    "json.loads", "tomllib.loads", "csv.reader", "csv.DictReader", "etree.fromstring",
    "etree.XMLParser", "re.compile", "re.fullmatch", "re.match", "re.search", "re.findall",
    "re.finditer", "re.sub", "urlsplit", "urljoin", "unquote", "datetime.fromisoformat",
    "parsedate_to_datetime", "ip_address", "ip_network", "base64.b64decode", "zlib.decompressobj",
    "httptools.HttpRequestParser", "httptools.HttpResponseParser", "parse_timespan",
}  # fmt: skip
"""What makes something of bytes or texts."""
WITHOUT_HARNESS = {
    "certs.authority": "files that it has written itself",
    "cwmp.messages": "names of methods, which `envelope` reads",
    "http.client_certificates": "a name of a file that the user has given",
    "http.certificates": "files of the user; certificates are read by OpenSSL",
    "completion": "our own options",
    "data_model.paths": "names of parameters, which `cpe_session` reads",
    "errors": "complaints of ours, each of which it makes one line",
    "device.reachability": "an option of the user",
    "device.events": "event codes of the console's user",
    "device.persistent_state": "our own file; its tests break it at random",
    "device.message_template": "a message of ours",
    "reasons": "our own reasons",
    "reporting.junit": "writes",
    "reporting.markdown": "writes",
    "stats.histogram": "reports of our own workers",
    "stats.results": "reports of our own workers",
    "stats.timeline_point": "reports of our own workers",
    "stats.worker_snapshot": "reports of our own workers",
    "run_token": "a word that the user has given",
    "router.routes": "what the master says, which a router trusts",
    "router.routes_app": "a number in a header",
    "swarm.config_file": "the user's own options",
    "swarm.devices_file": "master and workers trust each other",
    "swarm.options": "writes",
    "swarm.profile_offer": "master and workers trust each other",
    "swarm.run_files": "our own times",
    "swarm.server_process": "what our own process says",
    "swarm.terminal.screen": "our own log",
    "swarm.worker_messages": "master and workers trust each other",
    "testing.xmpp_server": "a stand-in for tests",
    "xmpp.xml_text": "writes",
}
"""Modules that read and have no harness, and why."""


def is_reading(node: ast.AST) -> bool:
    """Whether it calls one of ``PARSERS``, or is a method for what came over a wire."""
    if isinstance(node, ast.FunctionDef):
        return node.name == "from_wire"
    return isinstance(node, ast.Call) and ast.unparse(node.func) in PARSERS


def test_each_module_that_reads_has_a_harness_or_a_reason(root: Path) -> None:
    package = root / "caretaker"
    reading = {
        ".".join(file.relative_to(package).with_suffix("").parts)
        for file in package.rglob("*.py")
        if any(is_reading(node) for node in ast.walk(ast.parse(file.read_text())))
    }
    fuzzed = {
        module.__name__.removeprefix("caretaker.")
        for harness in HARNESSES.values()
        for module in harness.modules
    }
    assert reading - fuzzed == set(WITHOUT_HARNESS)


def test_each_option_is_read_by_a_harness_or_touches_the_machine() -> None:
    left = {name for name in OPTIONS if name not in READ and name not in OF_FILES}
    assert {OPTIONS[name].parse for name in left} <= set(OF_THE_MACHINE)

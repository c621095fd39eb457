"""
Whatever reads foreign bytes takes time in proportion to their number.

Callgrind counts instructions, which are the same on a busy machine.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from helpers.hostile import CASES, SIZES

MOST = 2.6
"""Times the instructions for twice the input; 2 is linear, 4 is quadratic."""
EXCEPTIONS = {
    "http.known_heads": "heads of at most 2 048 characters",
    "errors": "one set of characters",
    "http.client_certificates": "a name of a file that the user has given",
    "cleanup": "a prefix of the user, one set of characters",
    "completion": "our own options",
    "console.arguments": "options of the user, matched with bounded repetitions",
    "console.trace": "one set of characters",
    "cwmp.messages": "names of methods, once each",
    "data_model.dynamic_values": "profiles, one alternative of fixed words",
    "data_model.paths": "names of parameters of profiles, digits between dots",
    "device.device_csv": "a file of the user, bounded repetitions of lines of 64 KiB at most",
    "device.events": "one repetition at the end, for event codes of the user",
    "device.identity": "the serial number of a Connection Request, bounded digits",
    "device.inform": "names of parameters, digits between dots",
    "device.installed_units": "URLs of at most 1 024 characters, bounded digits",
    "device.measurements": "bounded sets of characters",
    "device.message_template": "a message of ours, digits between two marks",
    "device.reachability": "an option of the user, bounded repetitions",
    "device.rpc.deployment_units": "fixed lengths",
    "device.rpc.methods": "bounded repetition",
    "device.rpc.transfers": "texts of at most 256 characters",
    "device.transfers": "names of files, bounded digits",
    "http.host_names": "options of the user, bounded repetitions",
    "plain_numbers": "bounded repetitions",
    "profiles.dumped_identity": "values of profiles, bounded repetitions, and names of parameters",
    "profiles.importer": "XML declarations, bounded repetitions",
    "profiles.loader": "options of the user",
    "profiles.profile": "values of profiles, bounded repetitions",
    "reasons": "our own reasons",
    "run_token": "a file of 1 KiB at most, or a variable",
    "reporting.junit": "one set of characters",
    "router.routes_app": "five digits of a header at most",
    "swarm.config_file": "the user's own options",
    "swarm.option_addresses": "options of the user",
    "swarm.option_values": "options of the user",
    "swarm.options": "options of the user",
    "swarm.terminal.screen": "the start of a line of our own log",
    "xmpp.xml_text": "one set of characters",
}
"""Modules with patterns that meet no input of strangers, or can't repeat; and why."""


def costs(folder: Path, names: list[str]) -> dict[str, list[int]]:
    """The instructions that reading took at each size, by case."""
    out = folder / "callgrind"
    subprocess.run(
        ["valgrind", "--tool=callgrind", "--dump-before=getppid", f"--callgrind-out-file={out}",
         sys.executable, "-m", "helpers.hostile", *names],
        check=True, capture_output=True, cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "0",
             "LOCUST_SKIP_MONKEY_PATCH": "1"},
    )  # fmt: skip
    files = [
        out.with_suffix(f".{number}") for number in range(1, 2 * (len(SIZES) + 1) * len(names) + 1)
    ]
    counts = [
        int(re.findall(r"^(?:summary|totals): (\d+)", file.read_text(), re.MULTILINE)[0])
        for file in files
    ]
    read = counts[1::2]  # the other ones are of making the input
    each = len(SIZES) + 1
    return {name: read[at * each + 1 : (at + 1) * each] for at, name in enumerate(names)}


@pytest.mark.processes
@pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind, which counts, is not installed")
def test_twice_the_input_takes_twice_the_instructions(tmp_path: Path) -> None:
    counted = costs(tmp_path, list(CASES))
    ratios = {
        name: [round(later / before, 2) for before, later in pairwise(counts)]
        for name, counts in counted.items()
    }
    assert {name: found for name, found in ratios.items() if max(found) > MOST} == {}


def test_each_module_with_a_pattern_has_a_case_or_a_reason(root: Path) -> None:
    package = root / "caretaker"
    modules = {
        ".".join(file.relative_to(package).with_suffix("").parts)
        for file in package.rglob("*.py")
        if re.search(r"^import re$", file.read_text(), re.MULTILINE)
    }
    tried = {name.partition(":")[0] for name in CASES}
    without = {
        module for module in modules if not any(f".{module}".endswith(f".{name}") for name in tried)
    }
    assert without == set(EXCEPTIONS)

"""The files of containers: each is valid, names what exists, and gives options that exist."""

from __future__ import annotations

import argparse
import itertools
import re
import shlex
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.options import parser
from ruamel.yaml import YAML

from caretaker import __version__
from caretaker.commands import command_parser
from caretaker.run_token import VARIABLE

DEPLOY = Path(__file__).parents[1] / "deploy"
FILES = sorted(DEPLOY.rglob("*.y*ml"))
COMPOSE = sorted((DEPLOY / "compose").iterdir())
VARIABLES = {"ACS_URL": "http://acs:7547/", "NBI_URL": "http://acs:7557", "CR_ADVERTISE": "loadgen"}
"""What a user gives to the Compose files."""


def _documents(path: Path) -> list[Any]:
    return list(YAML(typ="safe").load_all(path.read_text(encoding="utf-8")))


def _given(text: str) -> str:
    """The text with Compose's variables put in."""

    def value(found: re.Match[str]) -> str:
        return VARIABLES.get(found[1], found[2])

    return re.sub(r"\$\{(\w+):[-?]([^}]*)\}", value, text)


def _kubernetes(name: str) -> Iterator[dict[str, Any]]:
    """The pods' containers of a file."""
    for document in _documents(DEPLOY / "kubernetes" / name):
        if document["kind"] == "Job":
            yield from document["spec"]["template"]["spec"]["containers"]


def _command_lines() -> Iterator[list[str]]:
    """Each command line of ours, beginning with the command."""
    for path in COMPOSE:
        for service in _documents(path)[0]["services"].values():
            command = shlex.split(_given(service["command"]))
            yield ["run", *command] if service.get("entrypoint") == "caretaker-run" else command
    for container in itertools.chain(_kubernetes("master.yaml"), _kubernetes("workers.yaml")):
        yield container["args"]
    for role in (["--master"], ["--worker", "--master-host", "caretaker-master"]):
        (test,) = _documents(DEPLOY / "kubernetes" / "locust-test.yaml")
        yield ["run", *role, *shlex.split(test["spec"]["args"])]
    for text in [*_steps_of_the_workflow(), *_blocks("docs/deploying.md", "AGENTS.md")]:
        for line in text.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["caretaker"]:
                ends = [i for i, word in enumerate(words) if word in (">>", "&", "||", "|")]
                yield words[1 : min(ends, default=len(words))]


def _steps_of_the_workflow() -> list[str]:
    (workflow,) = _documents(DEPLOY / "github" / "load-test.yml")
    return [step["run"] for step in workflow["jobs"]["load-test"]["steps"] if "run" in step]


def _blocks(*names: str) -> Iterator[str]:
    """The blocks of shell of documents."""
    for name in names:
        text = (DEPLOY.parent / name).read_text(encoding="utf-8")
        yield from re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("line", list(_command_lines()), ids=" ".join)
def test_each_command_line_is_one_of_ours(
    line: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    if line[0] == "run":
        _options(*line[1:])
    else:
        command_parser().parse_args(line)


@pytest.mark.processes
def test_compose_files_and_the_workflow_keep_their_schemas(tmp_path: Path) -> None:
    workflows = sorted((DEPLOY / "github").iterdir())
    for schema, paths in (("compose-spec", COMPOSE), ("github-workflows", workflows)):
        _check("check-jsonschema", f"--builtin-schema=vendor.{schema}", *paths, cwd=tmp_path)


@pytest.mark.processes
def test_manifests_keep_the_schemas_of_kubernetes(tmp_path: Path) -> None:
    paths = [DEPLOY / "kubernetes" / name for name in ("master.yaml", "workers.yaml")]
    _check("kubernetes-validate", "--strict", *paths, cwd=tmp_path)


@pytest.mark.processes
def test_the_dockerfile_is_as_hadolint_wants_it(root: Path) -> None:
    _check("hadolint", root / "Dockerfile", cwd=root)


def _check(program: str, *arguments: object, cwd: Path) -> None:
    command = [str(Path(sysconfig.get_path("scripts"), program)), *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_runs_as_a_user_without_rights_and_has_no_latest_tag(root: Path) -> None:
    lines = (root / "Dockerfile").read_text(encoding="utf-8").splitlines()
    stages = [line.split() for line in lines if line.startswith("FROM ")]
    names = {stage[3] for stage in stages if len(stage) > 3}
    for stage in stages:
        assert stage[1] in names or re.fullmatch(r"\S+:\d[\w.-]+", stage[1])
    assert [line for line in lines if line.startswith("USER ")] == ["USER 10001"]
    assert stages[-1] == ["FROM", "caretaker"]
    assert lines.count('ENTRYPOINT ["caretaker"]') == 1


def test_each_file_that_the_image_takes_exists_and_is_not_ignored(root: Path) -> None:
    text = (root / "Dockerfile").read_text(encoding="utf-8")
    taken = {
        name
        for words in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE)
        for name in words.split()
    }
    ignored = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert taken == {line[1:] for line in ignored if line.startswith("!")}
    assert all((root / name).exists() for name in taken)


def test_the_images_are_named_once_in_each_place_and_with_our_version() -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        images = re.findall(r"^ *image: (.*)$", text, re.MULTILINE)
        assert len(set(images)) <= 1
        assert len(images) <= 1 or path.parent.name == "kubernetes"
        tags = re.findall(r"(?:caretaker:|newTag: )(\d+\.\d+\.\d+)", text)
        assert set(tags) <= {__version__}
    (kustomization,) = _documents(DEPLOY / "kubernetes" / "kustomization.yaml")
    (image,) = kustomization["images"]
    containers = [*_kubernetes("master.yaml"), *_kubernetes("workers.yaml")]
    assert [container["image"] for container in containers] == [image["name"]] * 2


def test_the_files_name_files_that_exist() -> None:
    (kustomization,) = _documents(DEPLOY / "kubernetes" / "kustomization.yaml")
    for name in kustomization["resources"]:
        assert (DEPLOY / "kubernetes" / name).exists()
    for path in COMPOSE:
        for service in _documents(path)[0]["services"].values():
            assert (path.parent / service["build"] / "Dockerfile").exists()
    for name in ("AGENTS.md", "llms.txt", "docs/deploying.md"):
        path = DEPLOY.parent / name
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            assert (path.parent / link).exists(), f"{name}: {link}"
    for path in (*FILES, DEPLOY.parent / "Dockerfile", DEPLOY / "caretaker-run"):
        for name in re.findall(r"\b(?:deploy|docs)/[\w./-]+\w", path.read_text(encoding="utf-8")):
            assert (DEPLOY.parent / name).exists(), name


def test_workers_find_their_master_and_as_many_are_started_as_it_expects() -> None:
    (compose,) = _documents(DEPLOY / "compose" / "distributed.yaml")
    services = compose["services"]
    master = _options(*shlex.split(_given(services["master"]["command"]))[1:])
    worker = _options(*shlex.split(services["worker"]["command"]))
    assert worker.master_host in services
    assert services["worker"]["deploy"]["replicas"] == master.expect_workers

    service, job = _documents(DEPLOY / "kubernetes" / "master.yaml")
    (workers,) = _documents(DEPLOY / "kubernetes" / "workers.yaml")
    (of_master,) = _kubernetes("master.yaml")
    (of_worker,) = _kubernetes("workers.yaml")
    master, worker = _options(*of_master["args"][1:]), _options(*of_worker["args"][1:])
    assert worker.master_host == service["metadata"]["name"]
    assert service["spec"]["selector"] == job["spec"]["template"]["metadata"]["labels"]
    assert workers["spec"]["parallelism"] == master.expect_workers
    (port,), (bound,) = service["spec"]["ports"], of_master["ports"]
    assert port["targetPort"] == bound["name"]
    assert port["port"] == bound["containerPort"] == worker.master_port == master.master_bind_port

    (test,) = _documents(DEPLOY / "kubernetes" / "locust-test.yaml")
    assert test["spec"]["workers"] == _options(*shlex.split(test["spec"]["args"])).expect_workers


def _options(*words: str) -> argparse.Namespace:
    """The options of words, with a host and a folder that this machine has."""
    here = [re.sub(r"://[\w.]+:", "://127.0.0.1:", word) for word in words]
    made = parser(master_bind_port=5557)
    options: argparse.Namespace = made.parse_args([word.replace("/runs", ".") for word in here])
    return options


def test_published_ports_are_those_of_the_connection_requests() -> None:
    (compose,) = _documents(DEPLOY / "compose" / "your-acs.yaml")
    service = compose["services"]["caretaker"]
    options = _options(*shlex.split(_given(service["command"]))[1:])
    assert service["ports"] == [f"{options.cr_port}:{options.cr_port}"]


def test_no_file_has_a_secret() -> None:
    for path in FILES:
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.search(r"PASSWORD|TOKEN", line) and not line.startswith("#"):
                assert re.fullmatch(
                    rf" *(?:- name: {VARIABLE}|CARETAKER_ACS_PASSWORD:"
                    rf"|{VARIABLE}: \$\{{{VARIABLE}:\?.*\}}|value: \${VARIABLE})",
                    line,
                ), f"{path.name}: {line}"

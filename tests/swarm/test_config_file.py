"""A TOML file of options, as the arguments that it stands for."""

from __future__ import annotations

from pathlib import Path

import pytest

from caretaker.errors import InputError
from caretaker.swarm.config_file import ConfigFile, given_names
from caretaker.swarm.run_parser import run_parser

PARSER = run_parser({})


def read(folder: Path, text: str) -> ConfigFile:
    path = folder / "run.toml"
    path.write_text(text)
    file = ConfigFile.read(str(path))
    assert file is not None
    return file


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("users = 500", ["--users=500"]),
        ("cr_rate = 2.5", ["--cr-rate=2.5"]),
        ('run-time = "10m"', ["--run-time=10m"]),
        ("any-id = true\ntls-insecure = false", ["--any-id"]),
        ('profile = ["tr181:3", "tr098"]', ["--profile=tr181:3", "--profile=tr098"]),
        ('profile = "tr098"', ["--profile=tr098"]),
        ('tags = ["slow", "quick"]', ["--tags", "slow", "quick"]),
        ("", []),
    ],
)
def test_an_option_has_its_name_without_dashes(
    tmp_path: Path, text: str, arguments: list[str]
) -> None:
    assert list(read(tmp_path, text).arguments(PARSER, ())) == arguments


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("seed = 1\n\nusrs = 5", "line 3: 'usrs' is no option; nearest: users"),
        ('"acs-pasword" = "secret"', "line 1: 'acs-pasword' is no option; nearest: acs-password"),
        ("\nzzzzzzzz = 1", "line 2: 'zzzzzzzz' is no option; caretaker run --help lists all"),
        ("[fleet]\nusers = 1", "line 1: 'fleet' is no option; caretaker run"),
        ("config = 1", "line 1: 'config' is no option; nearest: "),
        ("seed = 1\nusers = 'many'", "line 2: users: 'many' must be a whole number from 0 to"),
        ("users = true", "line 1: users: it takes a text or a number"),
        ("users = [1, 2]", "line 1: users: it takes one value"),
        ("any-id = 'yes'", "line 1: any-id: a switch is true or false"),
        ("[users]\nx = 1", "line 1: users: it takes a text or a number"),
    ],
)
def test_what_can_not_be_used_is_named_with_its_line(
    tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(InputError) as error:
        list(read(tmp_path, text).arguments(PARSER, ()))
    assert str(error.value).startswith(f"{tmp_path}/run.toml, {complaint}")
    assert "secret" not in str(error.value)


def test_the_command_line_and_the_environment_win(tmp_path: Path) -> None:
    file = read(tmp_path, "users = 1\nspawn-rate = 2\nseed = 3\ncr-rate = 4\nrun-time = '5s'")
    given = given_names(PARSER, ["-u10", "--spawn-rate=20"], {"CARETAKER_SEED": "30"})
    assert list(file.arguments(PARSER, given)) == ["--cr-rate=4", "--run-time=5s"]


def test_a_file_for_locust_is_left_to_it(tmp_path: Path) -> None:
    own = tmp_path / "pyproject.toml"
    own.write_text("[tool.locust]\nusers = 5\n")
    assert ConfigFile.read(str(own)) is None
    assert ConfigFile.read("/nowhere/locust.conf") is None


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"users =", r"run.toml: not TOML: Invalid value \(at"),
        (b"\xff", r"run.toml: not a text"),
    ],
)
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "run.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=complaint):
        ConfigFile.read(str(path))

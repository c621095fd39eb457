"""Scripts with which a shell completes commands, options and choices."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from caretaker.__main__ import main
from caretaker.commands import COMMANDS, SHELLS
from caretaker.scenarios import SCENARIOS


def script_of(shell: str, folder: Path) -> Path:
    path = folder / f"caretaker.{shell}"
    with pytest.MonkeyPatch.context() as patch:
        texts: list[str] = []
        patch.setattr("caretaker.completion.say", texts.append)
        assert main(["completion", shell]) == 0
    path.write_text("".join(texts))
    return path


@pytest.fixture(scope="module")
def bash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return script_of("bash", tmp_path_factory.mktemp("completion"))


ASK_BASH = """
source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_shtab_caretaker caretaker "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
printf "%s\\n" "${COMPREPLY[@]}"
"""


def completed(script: Path, *words: str) -> list[str]:
    """What bash offers for the last of these words."""
    command = ["bash", "-c", ASK_BASH, str(script), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_bash_completes_commands_options_and_choices(bash: Path) -> None:
    assert set(completed(bash, "caretaker", "")) >= set(COMMANDS)
    assert completed(bash, "caretaker", "run", "--cr-dri") == ["--cr-driver"]
    assert completed(bash, "caretaker", "run", "--cr-driver", "") == ["nbi", "direct", "off"]
    assert set(completed(bash, "caretaker", "run", "--scenario", "")) == set(SCENARIOS)
    assert completed(bash, "caretaker", "acs", "--until") == ["--until-eof"]
    assert completed(bash, "caretaker", "completion", "") == list(SHELLS)


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is absent (Debian: zsh)")
def test_zsh_takes_the_script_as_the_documents_say(tmp_path: Path) -> None:
    ask = 'autoload -U compinit; compinit -u -D; eval "$(cat "$0")"; print $_comps[caretaker]'
    command = ["zsh", "-f", "-c", ask, str(script_of("zsh", tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("_shtab_caretaker\n", "")


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is absent (Debian: fish)")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("caretaker run --cr-dri", ["--cr-driver"]),
        ("caretaker run --cr-driver ", ["nbi", "direct", "off"]),
        ("caretaker completion ", list(SHELLS)),
    ],
)
def test_fish_completes_options_and_choices(tmp_path: Path, line: str, offered: list[str]) -> None:
    ask = f"source {script_of('fish', tmp_path)}; complete -C '{line}'"
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    done = subprocess.run(
        ["fish", "-c", ask], capture_output=True, text=True, check=True, env=environment
    )
    assert [each.partition("\t")[0] for each in done.stdout.splitlines()] == offered


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_knows_options_of_ours_and_of_locust(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for option in ("cr-rate", "users", "headful", "inform-interval"):
        assert option in script


def test_another_shell_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["completion", "tcsh"])
    assert exit_.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1

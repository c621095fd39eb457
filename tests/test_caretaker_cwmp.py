"""The command where another project's distribution of the same name may be installed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import caretaker_cwmp

OTHER = "[console_scripts]\ncaretaker-run = caretaker.run:main\n"
OWN = "[console_scripts]\ncaretaker = caretaker.__main__:main\n"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of metadata, which is all that Python finds."""
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    return tmp_path


def _install(folder: Path, name: str, points: str) -> None:
    metadata = folder / f"{name}-0.6.5.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.6.5\n")
    (metadata / "entry_points.txt").write_text(points)


def test_the_other_distribution_is_named_in_one_line(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _install(installed, "Caretaker", OTHER)
    assert caretaker_cwmp.main() == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("caretaker: Caretaker 0.6.5, another project, is installed here, too")
    assert line.endswith("give caretaker-cwmp a virtual environment of its own")


@pytest.mark.parametrize(
    ("command", "content", "is_said"),
    [
        (["python", "/venv/bin/locust", "--help"], "from caretaker.swarm import install", True),
        (["python", "-m", "locust", "-h", "-f", "{file}"], "import caretaker", True),
        (["python", "/venv/bin/locust", "--help"], "from locust import HttpUser", False),
        (["python", "/venv/bin/locust", "--help", "-f", "/nowhere.py"], "import caretaker", False),
        (["python", "/venv/bin/locust", "--help", "-f"], "import caretaker", False),
        (["python", "/venv/bin/locust", "--headless"], "import caretaker", False),
        (["python", "/venv/bin/gunicorn", "--help"], "import caretaker", False),
    ],
)
def test_locusts_help_says_where_the_options_of_a_locustfile_of_ours_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], content: str, is_said: bool
) -> None:
    file = tmp_path / "locustfile.py"
    file.write_text(content)
    said: list[str] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.orig_argv", [word.format(file=file) for word in command])
    monkeypatch.setattr("atexit.register", lambda _, text: said.append(text))
    caretaker_cwmp.after_patching(None)
    assert ["caretaker run --help" in text for text in said] == [True] * is_said


@pytest.mark.parametrize("name", ["caretaker", "caretaker_cwmp"])
def test_a_distribution_of_this_project_is_none_also_under_its_old_name(
    installed: Path, name: str
) -> None:
    _install(installed, name, OWN)
    assert caretaker_cwmp.other_distribution() is None


def test_no_document_has_a_user_install_the_other_distribution(root: Path) -> None:
    documents = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("caretaker/**/*.py")]
    text = "\n".join(document.read_text() for document in documents)
    assert len(documents) > 30
    assert re.findall(r"(?:pip|pipx|uv|uvx) (?:install|run) ['\"]?caretaker(?!-cwmp)", text) == []

"""The profiles of a run on a worker: found, or got from the master."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import gevent
import pytest
from gevent.event import Event
from helpers.exports import export

from caretaker.errors import InputError
from caretaker.profiles.loader import load_source
from caretaker.profiles.profile_source import ProfileSource
from caretaker.swarm import profile_receiver
from caretaker.swarm.profile_offer import ProfileOffer
from caretaker.swarm.profile_receiver import MAX_PROFILE_BYTES, ProfileReceiver
from caretaker.swarm.profile_sender import PART_BYTES, ProfileSender
from caretaker.swarm.worker_messages import ProfilePart, ProfilePartRequest


class Remote:
    """
    A worker on another machine, which has read nothing, and its master.

    ``change`` makes the master's answers into others; None is no answer. ``answers`` is set when
    the master answers.
    """

    def __init__(self, *names: str) -> None:
        sources = [load_source(name) for name in names]
        self._sender = ProfileSender(file for source in sources for file in source.files)
        self.offers = [ProfileOffer(_named(source), 1.0, 90_000) for source in sources]
        self.requests: list[ProfilePartRequest] = []
        self.said: list[str] = []
        self.change: Callable[[ProfilePart], ProfilePart | None] = lambda part: part
        self.answers = Event()
        self.answers.set()
        self.receiver = ProfileReceiver(self._answer, self._say)

    def _say(self, text: str) -> None:
        self.said.append(text)
        if text.startswith("gets"):
            self.answers.set()

    def _answer(self, request: ProfilePartRequest) -> None:
        self.answers.wait()
        self.requests.append(request)
        part = self._sender.part(request)
        changed = None if part is None else self.change(part)
        if changed is not None:
            self.receiver.received(changed)

    def names(self) -> list[str]:
        return [profile.name for profile in self.receiver.mix(self.offers).profiles]


def _named(source: ProfileSource) -> ProfileSource:
    return ProfileSource(*(replace(file, content=None) for file in source.files))


@pytest.fixture
def remote(tmp_path: Path, request: pytest.FixtureRequest) -> Remote:
    """A worker of a run with one profile, which has the test's own content."""
    return Remote(str(export(tmp_path / "box.csv", 100, request.node.name)))


def test_a_worker_gets_files_from_the_master_and_needs_none(tmp_path: Path, remote: Remote) -> None:
    (tmp_path / "box.csv").unlink()
    mix = remote.receiver.mix(remote.offers)
    assert mix.profiles[0].model.parameters["Device.X_ACME_Table.1.Row.1.Parameter0"].value == (
        "test_a_worker_gets_files_from_the_master_and_needs_none0"
    )


def test_a_profile_that_was_read_before_is_not_sent_again(remote: Remote) -> None:
    first = remote.receiver.mix(remote.offers).profiles
    asked = len(remote.requests)
    assert remote.receiver.mix(remote.offers).profiles[0] is first[0]
    assert len(remote.requests) == asked


def test_a_base_that_profiles_share_is_sent_once(tmp_path: Path) -> None:
    base = export(tmp_path / "box.csv", 100, "a base that profiles share")
    for name in ("one", "two"):
        (tmp_path / f"{name}.toml").write_text(f'base = "box.csv"\ndevice.product_class = "{name}"')
    remote = Remote(str(tmp_path / "one.toml"), str(tmp_path / "two.toml"), "tr098")
    assert remote.names() == ["one.toml", "two.toml", "tr098"]
    assert base.stat().st_size < PART_BYTES
    assert len(remote.requests) == 3  # two profile files and their base


def test_a_large_file_comes_in_parts(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    path = export(tmp_path / "box.csv", 5_000, request.node.name * 2)
    remote = Remote(str(path))
    assert remote.names() == ["box.csv"]
    size = path.stat().st_size
    assert [each.offset for each in remote.requests] == list(range(0, size, PART_BYTES))
    assert len(remote.requests) > 1


def test_content_that_is_not_what_was_named_is_refused(remote: Remote) -> None:
    remote.change = lambda part: replace(part, data=part.data.replace(b"Acme", b"Evil"))
    with pytest.raises(InputError, match=r"box\.csv: what the master sends is not what"):
        remote.names()


def test_more_than_a_worker_takes_is_refused_before_it_is_asked_for(remote: Remote) -> None:
    source = remote.offers[0].source
    large = replace(source, own=replace(source.own, size=MAX_PROFILE_BYTES + 1))
    remote.offers = [remote.offers[0]._replace(source=large)]
    with pytest.raises(InputError, match="--profile: the files have more than 256 MiB"):
        remote.names()
    assert remote.requests == []


@pytest.mark.parametrize(
    "unwanted",
    [
        lambda part: replace(part, data=b""),
        lambda part: replace(part, data=b"x" * (PART_BYTES + 1)),
        lambda part: replace(part, offset=1),
        lambda part: replace(part, digest="0" * 64),
        lambda part: None,
    ],
)
def test_a_part_that_does_not_come_is_asked_for_again(
    remote: Remote,
    monkeypatch: pytest.MonkeyPatch,
    unwanted: Callable[[ProfilePart], ProfilePart | None],
) -> None:
    monkeypatch.setattr(profile_receiver, "RETRY_SECONDS", 0.01)
    remote.change = lambda part: part if len(remote.requests) > 1 else unwanted(part)
    assert remote.names() == ["box.csv"]
    assert remote.requests[0] == remote.requests[1]


def test_a_part_that_nobody_asked_for_is_dropped(remote: Remote) -> None:
    remote.receiver.received(ProfilePart("0" * 64, 0, b"x"))
    assert remote.names() == ["box.csv"]


def test_a_worker_that_is_late_says_what_it_waits_for(
    remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profile_receiver, "LATE_SECONDS", 0.0)
    remote.answers.clear()
    assert remote.names() == ["box.csv"]
    assert "gets profile box.csv (90,000 parameters) from the master" in remote.said


def test_a_worker_that_is_not_late_says_nothing(
    remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profile_receiver, "LATE_SECONDS", 3600.0)
    remote.names()
    gevent.sleep(0)
    assert remote.said == []

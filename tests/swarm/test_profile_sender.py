"""Files of profiles, sent in parts."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.exports import export

from caretaker.profiles.loader import load_source
from caretaker.swarm import profile_sender
from caretaker.swarm.profile_sender import ProfileSender
from caretaker.swarm.worker_messages import ProfilePartRequest


def test_a_file_is_sent_in_parts_of_bounded_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profile_sender, "PART_BYTES", 100)
    path = export(tmp_path / "box.csv", 10)
    source = load_source(str(path))
    sender = ProfileSender(source.files)
    offsets = range(0, source.own.size, 100)
    parts = [sender.part(ProfilePartRequest(source.own.digest, at)) for at in offsets]
    assert b"".join(part.data for part in parts if part is not None) == path.read_bytes()
    assert {len(part.data) for part in parts[:-1] if part is not None} == {100}


@pytest.mark.parametrize("digest", ["", "0" * 64])
def test_only_files_of_the_profiles_of_the_run_are_sent(digest: str) -> None:
    sender = ProfileSender(load_source("tr181").files)
    assert sender.part(ProfilePartRequest(digest, 0)) is None

"""The master's side of profiles and devices: sends the files that workers ask for, in parts."""

from __future__ import annotations

from collections.abc import Iterable

from caretaker.profiles.profile_source import SourceFile
from caretaker.swarm.worker_messages import ProfilePart, ProfilePartRequest

PART_BYTES = 256 * 1024
"""Of a file in one message; a worker has one of them on its way."""


class ProfileSender:
    """
    The files of a run.

    Args:
        files: of its profiles, and of its devices.
    """

    def __init__(self, files: Iterable[SourceFile]) -> None:
        self._contents = {file.digest: file.content for file in files}

    def part(self, request: ProfilePartRequest) -> ProfilePart | None:
        """What a worker asks for; None of a file that the run does not have."""
        content = self._contents.get(request.digest)
        if content is None:
            return None
        start = request.offset
        return ProfilePart(request.digest, start, content[start : start + PART_BYTES])

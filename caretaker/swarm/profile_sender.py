"""The master's side of profiles: sends workers the files that they ask for, in parts."""

from __future__ import annotations

from collections.abc import Iterable

from caretaker.profiles.profile_source import ProfileSource
from caretaker.swarm.worker_messages import ProfilePart, ProfilePartRequest

PART_BYTES = 256 * 1024
"""Of a file in one message; a worker has one of them on its way."""


class ProfileSender:
    """
    The files of the profiles of a run.

    Args:
        sources: of the profiles of the run.
    """

    def __init__(self, sources: Iterable[ProfileSource]) -> None:
        self._contents = {file.digest: file.content for source in sources for file in source.files}

    def part(self, request: ProfilePartRequest) -> ProfilePart | None:
        """What a worker asks for; None of a file that no profile of the run has."""
        content = self._contents.get(request.digest)
        if content is None:
            return None
        start = request.offset
        return ProfilePart(request.digest, start, content[start : start + PART_BYTES])

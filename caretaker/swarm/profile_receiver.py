"""
A worker's side of profiles and devices: read in this process before, or got from the master.

The master names each file by the hash of its content. A worker that was forked on the master's
machine finds what was read before the fork. Another asks for each file part by part, and keeps it
in memory: nothing that the master says is the name of a file here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from hashlib import sha256

import gevent
from gevent.event import AsyncResult

from caretaker.device.listed_devices import ListedDevices
from caretaker.device.listed_mix import ListedMix
from caretaker.errors import ContentUnknownError, InputError
from caretaker.input_file import MAX_INPUT_BYTES
from caretaker.profiles import ProfileMix
from caretaker.profiles.loader import read_profile
from caretaker.profiles.profile import Profile
from caretaker.profiles.profile_source import ProfileSource, SourceFile
from caretaker.swarm.devices_file import MAX_DEVICES_BYTES, DevicesOffer, devices_of
from caretaker.swarm.off_loop import off_loop
from caretaker.swarm.profile_offer import ProfileOffer
from caretaker.swarm.profile_sender import PART_BYTES
from caretaker.swarm.worker_messages import ProfilePart, ProfilePartRequest

MAX_PROFILE_BYTES = 4 * MAX_INPUT_BYTES
"""Of all files that a worker gets for one run."""
LATE_SECONDS = 1.0
"""After so long a worker says which profile it waits for."""
RETRY_SECONDS = 5.0
"""After so long without an answer a part is asked for again."""


class ProfileReceiver:
    """
    Gives a run its profiles, and its list of devices.

    Args:
        request: asks the master for a part of a file.
        say: tells people what the worker does, if that takes long.
    """

    def __init__(
        self, request: Callable[[ProfilePartRequest], None], say: Callable[[str], None]
    ) -> None:
        self._request = request
        self._say = say
        self._awaited: tuple[ProfilePartRequest, AsyncResult[bytes]] | None = None

    def mix(
        self, offers: Iterable[ProfileOffer], devices: DevicesOffer | None = None
    ) -> ProfileMix:
        """
        The profiles of a run; waits until they are there, while the loop goes on.

        Args:
            offers: of the profiles.
            devices: of the list of devices, if the run has one.

        Raises:
            InputError: a file can't be used, or is not what the master has named.
        """
        contents: dict[str, bytes] = {}
        mix = ProfileMix([(self._profile(offer, contents), offer.weight) for offer in offers])
        if devices is None:
            return mix
        own = [self._profile(offer, contents) for offer in devices.profiles]
        return ListedMix(mix, self._devices(devices.source), own, devices.withheld)

    def _devices(self, file: SourceFile) -> ListedDevices:
        with suppress(ContentUnknownError):
            return devices_of(file)
        if file.size > MAX_DEVICES_BYTES:
            raise InputError(f"--devices: more than {MAX_DEVICES_BYTES // 2**20} MiB; give fewer")
        with self._saying(f"gets {file.name} from the master"):
            content = self._fetch(file)
        with self._saying(f"reads {file.name}"):
            return off_loop(partial(devices_of, replace(file, content=content)))

    def _profile(self, offer: ProfileOffer, contents: dict[str, bytes]) -> Profile:
        with suppress(ContentUnknownError):
            return read_profile(offer.source)  # it was read before, so it is there at once
        with self._saying(f"gets {offer} from the master"):
            own, *base = (self._fetched(file, contents) for file in offer.source.files)
        with self._saying(f"reads {offer}"):
            return off_loop(partial(read_profile, ProfileSource(own, *base)))

    @contextmanager
    def _saying(self, text: str) -> Iterator[None]:
        notice = gevent.spawn_later(LATE_SECONDS, self._say, text)
        try:
            yield
        finally:
            notice.kill(block=False)

    def _fetched(self, file: SourceFile, contents: dict[str, bytes]) -> SourceFile:
        """A file with its content, which other profiles of the run may have, too."""
        if not file.digest:
            return file  # a built-in profile
        if file.digest not in contents:
            if file.size + sum(map(len, contents.values())) > MAX_PROFILE_BYTES:
                most = MAX_PROFILE_BYTES // 2**20
                raise InputError(f"--profile: the files have more than {most} MiB; give fewer")
            contents[file.digest] = self._fetch(file)
        return replace(file, content=contents[file.digest])

    def _fetch(self, file: SourceFile) -> bytes:
        content, digest = bytearray(), sha256()
        while len(content) < file.size:
            part = self._part(ProfilePartRequest(file.digest, len(content)))
            content += part
            digest.update(part)
        if digest.hexdigest() != file.digest:
            raise InputError(
                f"{file.name}: what the master sends is not what it has named; start the run again"
            )
        return bytes(content)

    def _part(self, request: ProfilePartRequest) -> bytes:
        arrived: AsyncResult[bytes] = AsyncResult()
        self._awaited = request, arrived
        while True:
            self._request(request)
            data = arrived.wait(RETRY_SECONDS)
            if data is not None:
                return data

    def received(self, part: ProfilePart) -> None:
        """Take a part of a file, if it is the one that was asked for last."""
        if self._awaited is None or not 0 < len(part.data) <= PART_BYTES:
            return
        request, arrived = self._awaited
        if request == ProfilePartRequest(part.digest, part.offset):
            arrived.set(part.data)

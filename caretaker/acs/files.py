"""The files that devices can be told to download (GenieACS's ``files`` and its file server)."""

from __future__ import annotations

import time
from typing import Any, NamedTuple
from urllib.parse import quote

from caretaker.acs.queries import timestamp
from caretaker.errors import InputError

MAX_FILE_BYTES = 64 * 1024 * 1024
"""Of one file."""
MAX_FILES_BYTES = 256 * 1024 * 1024
"""Of all files."""
MAX_FILES = 1_000
PATH = "/files/"
"""Where files are on the address for CPEs."""


class File(NamedTuple):
    """
    One file.

    Args:
        name: as which it was uploaded.
        content: its bytes.
        metadata: ``fileType``, ``oui``, ``productClass`` and ``version``, as far as given.
        seconds: when it was uploaded, since 1970.
    """

    name: str
    content: bytes
    metadata: dict[str, str]
    seconds: float

    def document(self) -> dict[str, Any]:
        """The file as the north-bound API shows it."""
        return {
            "_id": self.name,
            "length": len(self.content),
            "uploadDate": timestamp(self.seconds),
            "filename": self.name,
            "metadata": self.metadata,
        }


class Files(dict[str, File]):
    """The files by name."""

    def upload(self, name: str, content: bytes, metadata: dict[str, str]) -> None:
        """
        Add a file, or replace the one of that name.

        Raises:
            InputError: there are too many, or they are too large.
        """
        others = [len(file.content) for file in self.values() if file.name != name]
        if len(others) >= MAX_FILES or sum(others) + len(content) > MAX_FILES_BYTES:
            raise InputError(
                f"file {name!r}: there may be {MAX_FILES} files of {MAX_FILES_BYTES >> 20} MB in "
                "all; delete some"
            )
        self[name] = File(name, content, metadata, time.time())

    def of_task(self, posted: Any) -> Any:
        """A posted task with the name and type of a file that it gives only by its id."""
        name = posted.get("file") if isinstance(posted, dict) else None
        if not isinstance(name, str):
            return posted
        file = self.get(name)
        kind = file.metadata.get("fileType", "") if file is not None else ""
        return {"fileName": name, "fileType": kind, **posted}


def file_url(host: str, name: str) -> str:
    """The URL that a device gets for a file; ``host`` is the ACS's, as the device knows it."""
    return f"http://{host}{PATH}{quote(name, safe='')}"

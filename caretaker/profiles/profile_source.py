"""What a profile is read from: its files, by the hash of their content."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Self


@dataclass(frozen=True)
class SourceFile:
    """
    A file of a profile; two with the same name and content are equal.

    Args:
        name: without folders; what errors call it.
        digest: SHA-256 of the content, in hexadecimal digits; empty for a built-in profile.
        size: of the content, in bytes.
        content: None where it is not known here, and for a built-in profile.
    """

    name: str
    digest: str = ""
    size: int = 0
    content: bytes | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, name: str, content: bytes) -> Self:
        """The file with this content."""
        return cls(name, sha256(content).hexdigest(), len(content), content)


@dataclass(frozen=True)
class ProfileSource:
    """
    The files of a profile.

    Args:
        own: the file that names it: an export or a profile file; or a built-in profile.
        base: of a profile file: its base.
    """

    own: SourceFile
    base: SourceFile | None = None

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """All files."""
        return (self.own,) if self.base is None else (self.own, self.base)

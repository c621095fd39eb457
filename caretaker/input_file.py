"""Files that the user names, which may be anything: a folder, a device without an end."""

from __future__ import annotations

from pathlib import Path

from caretaker.errors import InputError

MAX_INPUT_BYTES = 64 * 1024 * 1024
"""Far beyond any profile, dump, data model or summary."""


def read_input(name: str, most: int = MAX_INPUT_BYTES) -> bytes:
    """
    The content of a file.

    Args:
        name: of the file.
        most: how many bytes it may have.

    Raises:
        InputError: it can't be read, or is larger; the text begins with the name.
    """
    try:
        with Path(name).open("rb") as file:
            content = file.read(most + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: {getattr(error, 'strerror', None) or error}") from error
    if len(content) > most:
        size = f"{most // 2**20} MiB" if most >= 2**20 else f"{most // 2**10} KiB"
        raise InputError(f"{name}: larger than {size}")
    return content

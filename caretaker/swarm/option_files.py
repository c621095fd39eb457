"""
What options that name files and folders may be, as ``option_values`` has it.

Files that a run writes are checked without making them.
"""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import NamedTuple, Self

from caretaker.engine.row_files import check_format
from caretaker.errors import InputError
from caretaker.http.client_certificates import check_template, checked_file
from caretaker.http.tls_settings import TLSSettings
from caretaker.plain_numbers import shown
from caretaker.reporting.service_levels import ServiceLevel, read_levels
from caretaker.run_token import RunToken

_LONGEST_NAME = 255
"""Bytes of a name in a folder."""


class LevelsFile(NamedTuple):
    """A file of service levels, with what is in it."""

    path: str
    levels: tuple[ServiceLevel, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read the file of this name.

        Raises:
            InputError: the file can't be read, or a line is no service level.
        """
        return cls(text, tuple(read_levels(text)))

    def __str__(self) -> str:
        return self.path


def run_token_file(text: str) -> Path:
    """A file of a run token, which is read where it is needed."""
    RunToken.of_file(text)
    return Path(text)


def certificates(text: str) -> str:
    """The name of a file of certificates in PEM."""
    TLSSettings(checked_file(text)).new_context()
    return text


def client_certificate(text: str) -> str:
    """The name of a file in PEM, or a template of such names."""
    return check_template(text)


def server_certificate(text: str) -> str:
    """The name of a file of a server's certificate, or key, in PEM."""
    return checked_file(text)


def output_file(text: str) -> Path:
    """A file to write, in a folder that exists."""
    path = Path(text)
    try:
        if path.is_dir() or not path.absolute().parent.is_dir():
            raise InputError(f"{shown(text)}: not a file in a folder that exists")
        _check_writable(path)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{shown(text)}: {why}; give a file that can be written") from error
    return path


def _check_writable(path: Path) -> None:
    """
    OSError, or ValueError for no name at all, where a file can't be written.

    A run's processes check at the same time, so nothing of this name is made.
    """
    try:
        path.stat()  # it may be a pipe, which is not to be opened now
    except FileNotFoundError:
        with tempfile.TemporaryFile(dir=path.absolute().parent):
            return
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _check_name(path: Path) -> None:
    """OSError where this is a folder, or has a name that no folder takes."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if max(map(len, map(os.fsencode, path.parts))) > _LONGEST_NAME:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))


def state_file(text: str) -> Path:
    """A file for the state of a fleet, in a folder that exists."""
    path = Path(text)
    try:
        if path.is_dir() or not path.absolute().parent.is_dir():
            raise InputError(f"{shown(text)}: not a file in a folder that exists")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{shown(text)}: {why}; give a file that can be written") from error
    return path


def output_of_locust(text: str) -> str:
    """
    A file that Locust writes; it makes its folder.

    Raises:
        InputError: it can't.
    """
    path = Path(text).absolute()
    try:
        _check_name(path)
        if path.parent.exists():
            _check_writable(path)
        while not path.parent.exists():
            path = path.parent
        with tempfile.TemporaryFile(dir=path.parent):
            return text
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{shown(text)}: {why}; give one that can be written") from error


def csv_prefix(text: str) -> str:
    """The beginning of the names of files that Locust writes, as ``output_of_locust``."""
    output_of_locust(f"{text}_.csv")
    return text


def export_file(text: str) -> Path:
    """A file of rows to write, whose name says its format."""
    path = output_file(text)
    check_format(path)
    output_folder(str(path.parent))
    return path


def output_folder(text: str) -> Path:
    """A folder to write files into, or one that can be made in its parent; nothing is made here."""
    path = Path(text)
    try:
        try:
            path.stat()
            place = path
        except FileNotFoundError:
            place = path.absolute().parent
        with tempfile.TemporaryFile(dir=place):
            return path
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{text}: {why}; give a folder that can be written to") from error

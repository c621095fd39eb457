"""The files of the clients' certificates: one for all CPEs, or one for each by a template."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from caretaker.errors import InputError
from caretaker.http.tls_settings import USUAL, Identity, TLSSettings, no_identity

PASSWORD_VARIABLE = "CARETAKER_CLIENT_KEY_PASSWORD"  # noqa: S105  # the name of a variable
_FIELD = re.compile(r"\{([^{}]*)\}")
_FIELDS = ("serial", "index")


def check_template(text: str) -> str:
    """
    The name of a file, which may have ``{serial}`` and ``{index}`` of a CPE in it.

    Raises:
        InputError: it has other fields, or none and there is no such file.
    """
    unknown = [field for field in _FIELD.findall(text) if field not in _FIELDS]
    if unknown:
        raise InputError(f"{text}: no {{{unknown[0]}}}; there are {{serial}} and {{index}}")
    return text if _is_template(text) else checked_file(text)


def checked_file(text: str) -> str:
    """
    The name of a file, of any length.

    Raises:
        InputError: there is none, or it is a folder.
    """
    if os.path.isdir(text):  # noqa: PTH112  # Path's fails for a name that is too long
        raise InputError(f"{text}: a folder; give a file in PEM")
    if not os.path.isfile(text):  # noqa: PTH113  # likewise
        raise InputError(f"{text}: no such file; give one in PEM")
    return text


def _is_template(text: str) -> bool:
    return _FIELD.search(text) is not None


class ClientCertificates(NamedTuple):
    """
    Where the certificates of CPEs are.

    The password of the private keys is in the environment, as ``PASSWORD_VARIABLE``.

    Args:
        certificate: PEM file, or a template with ``{serial}`` and ``{index}``; empty for none.
        key: likewise; the file of the certificate has it, too, if empty.
    """

    certificate: str = ""
    key: str = ""

    @property
    def is_one_each(self) -> bool:
        """Whether each CPE has files of its own."""
        return _is_template(self.certificate) or _is_template(self.key)

    def of(self, index: int, serial: str) -> Identity:
        """The files of the CPE with this index and this serial number."""
        certificate, key = (
            text.replace("{serial}", serial).replace("{index}", str(index))
            for text in (self.certificate, self.key or self.certificate)
        )
        return Identity(certificate, key, os.environ.get(PASSWORD_VARIABLE, ""))

    def source(self, serial_number: Callable[[int], str]) -> Callable[[int], Identity | None]:
        """
        The certificate of the CPE with an index, for ``TLSSettings``.

        Args:
            serial_number: of the CPE with an index.
        """
        if not self.certificate:
            return no_identity
        if not self.is_one_each:
            shared = self.of(0, "")
            return lambda _: shared
        return lambda index: self.of(index, serial_number(index))

    def check(self, indices: Iterable[int], serial_number: Callable[[int], str]) -> None:
        """
        Check that the files of these CPEs are there, and those of the first can be used.

        Raises:
            InputError: one is missing or can't be read, those of the first can't be used, or there
                is a key without a certificate.
        """
        if not self.certificate:
            if self.key:
                raise InputError(f"{self.key}: a key without its certificate; give both")
            return
        of_index = self.source(serial_number)
        identity = None
        for index in indices if self.is_one_each else (0,):
            mine = of_index(index)
            assert mine is not None
            if identity is None:
                TLSSettings(verify=False).context(USUAL, mine)
            identity = mine
            for path in {mine.certificate, mine.key}:
                if not os.access(path, os.R_OK):
                    raise InputError(f"{path}: no such file, or not readable")


NO_CERTIFICATES = ClientCertificates()
"""Of CPEs that show none."""

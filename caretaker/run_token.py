"""The run token: what all processes of a run share, and nobody else knows."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from caretaker.errors import InputError
from caretaker.input_file import read_input

VARIABLE = "CARETAKER_RUN_TOKEN"
"""The environment variable that gives it."""
FLAG = "--run-token-file"
"""The option that names a file of it."""
LEAST_CHARACTERS = 16
"""Of a token; who records one proof can try all shorter ones."""
MOST_CHARACTERS = 512
_MAX_FILE_BYTES = 1024


@dataclass(frozen=True)
class RunToken:
    """
    A run token. It never crosses the network: processes show each other proofs of it.

    Args:
        text: of it; ``repr`` leaves it out.
        is_made: whether this program has made it, because the user gave none.
    """

    text: str = field(repr=False)
    is_made: bool = field(default=False, compare=False)

    @classmethod
    def made(cls) -> Self:
        """A new one, which nobody can guess."""
        return cls(secrets.token_urlsafe(32), is_made=True)

    @classmethod
    def given(cls, file: str | None, environment: Mapping[str, str]) -> Self | None:
        """
        The one that the user has given, in a file or in the environment.

        Args:
            file: its name, if there is one; it wins over the environment.
            environment: variables.

        Raises:
            InputError: it can't be used.
        """
        if file:
            try:
                return cls.of_file(file)
            except InputError as error:
                raise InputError(f"{FLAG}: {error}") from error
        text = environment.get(VARIABLE, "")
        return cls._checked(text, VARIABLE) if text else None

    @classmethod
    def of_file(cls, name: str) -> Self:
        """
        The one in a file, which has nothing else.

        Raises:
            InputError: the file can't be read, or has no token; the text begins with its name.
        """
        try:
            return cls._checked(read_input(name, _MAX_FILE_BYTES).decode("ascii"), name)
        except UnicodeDecodeError:
            raise InputError(f"{name}: no run token, but bytes that are no ASCII text") from None

    @classmethod
    def _checked(cls, text: str, source: str) -> Self:
        """A token without the white space around it; errors never quote it."""
        token = text.strip()
        if not token:
            raise InputError(f"{source}: empty; it must have the run token")
        if not re.fullmatch(r"[\x21-\x7e]+", token):
            raise InputError(f"{source}: a run token is one word of printable ASCII characters")
        if not LEAST_CHARACTERS <= len(token) <= MOST_CHARACTERS:
            raise InputError(
                f"{source}: a run token has {LEAST_CHARACTERS} to {MOST_CHARACTERS} characters, "
                f"this one {len(token)}"
            )
        return cls(token)

    def proof(self, purpose: str, *facts: bytes) -> bytes:
        """
        HMAC-SHA256 (RFC 2104) of facts, which only who has the token can make.

        Args:
            purpose: what it proves, so that no proof can be used for something else.
            facts: any number of them; where one ends and the next begins is part of the proof.
        """
        made = hmac.new(self.text.encode(), digestmod="sha256")
        for each in (purpose.encode(), *facts):
            made.update(len(each).to_bytes(4, "big") + each)
        return made.digest()

    @property
    def bearer(self) -> str:
        """What a router shows the master in HTTP (RFC 6750), in place of the token."""
        return self.proof("routes").hex()

"""
A TOML file of options (``--config run.toml``), as the arguments that it stands for.

Locust reads only ``[tool.locust]`` of such a file, and what a file gives it names as an argument
that nobody has typed. Files of other kinds are left to Locust.
"""

from __future__ import annotations

import argparse
import os
import re
import tomllib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from caretaker.errors import InputError
from caretaker.input_file import read_input
from caretaker.plain_numbers import shown
from caretaker.swarm.option_values import proposed

MAX_CONFIG_BYTES = 1024 * 1024
_NOT_IN_A_FILE = {"config", "help", "version", "user_classes"}


class ConfigFile(NamedTuple):
    """
    The content of a file.

    Args:
        path: its name.
        text: its content, for the lines of what is wrong.
        values: by the names of options without their dashes.
    """

    path: str
    text: str
    values: Mapping[str, Any]

    @classmethod
    def read(cls, path: str) -> ConfigFile | None:
        """
        Read a file; None if it is one for Locust: no TOML, or with a table for Locust.

        Raises:
            InputError: it can't be read, or is not what its name says.
        """
        if not path.endswith(".toml"):
            return None
        try:
            text = read_input(path, MAX_CONFIG_BYTES).decode()
            values = tomllib.loads(text)
        except UnicodeDecodeError:
            raise InputError(f"{path}: not a text file in UTF-8") from None
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"{path}: not TOML: {error}") from None
        return None if "tool" in values else cls(path, text, values)

    def arguments(self, parser: Any, given: Container[str]) -> Iterator[str]:
        """
        The command line that says the same.

        Args:
            parser: of the run.
            given: names in its namespace that the command line or the environment gives; they win.

        Raises:
            InputError: a name is no option, or its value can't be used; the text has the line.
        """
        actions = _by_name(parser)
        for key, value in self.values.items():
            action = actions.get(key.replace("_", "-"))
            if action is None:
                near = proposed(key.replace("_", "-"), actions)
                raise InputError(f"{self._at(key)}: {shown(key)} is no option; {near}")
            flag = max(action.option_strings, key=len)
            try:
                words = [] if action.dest in given else _words(action, value)
            except (argparse.ArgumentTypeError, InputError) as error:
                text = str(error).replace("%%", "%")
                raise InputError(f"{self._at(key)}: {key}: {text}") from None
            if action.nargs in ("*", "+"):
                yield from (flag, *words) if words else ()
            else:
                yield from (f"{flag}={word}" if action.nargs != 0 else flag for word in words)

    def _at(self, key: str) -> str:
        lines = self.text.splitlines()
        begin = re.compile(rf"""\s*\[?\s*["']?{re.escape(key)}["']?\s*[=.\]]""")
        found = (number for number, line in enumerate(lines, 1) if begin.match(line))
        return f"{self.path}, line {next(found, 1)}"


def _by_name(parser: Any) -> dict[str, argparse.Action]:
    return {
        flag.removeprefix("--"): action
        for action in parser._actions  # noqa: SLF001  # there is no other way to see them
        for flag in action.option_strings
        if flag.startswith("--") and action.dest not in _NOT_IN_A_FILE
    }


def _words(action: argparse.Action, value: Any) -> list[str]:
    """The values of an argument; an empty one for a switch that is on."""
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise InputError("a switch is true or false")
        return [""] if value else []
    many = isinstance(action, argparse._AppendAction) or action.nargs in ("*", "+")  # noqa: SLF001
    if isinstance(value, list) and not many:
        raise InputError("it takes one value")
    return [_word(action, one) for one in (value if isinstance(value, list) else [value])]


def _word(action: argparse.Action, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InputError("it takes a text or a number")
    if callable(action.type):
        action.type(str(value))
    return str(value)


def given_names(parser: Any, arguments: Sequence[str], environment: Container[str]) -> set[str]:
    """The names in the namespace that a command line or the environment gives."""
    words = {word.partition("=")[0] for word in arguments}
    words |= {word[:2] for word in arguments}  # -u100
    return {
        action.dest
        for action in parser._actions  # noqa: SLF001
        if words & set(action.option_strings)
        or (getattr(action, "env_var", None) or "") in environment
    }


def check(names: Iterable[str]) -> None:
    """
    Check configuration files, which Locust reads before any listener of ours is called.

    Args:
        names: of files that may be there.

    Raises:
        InputError: one of them is too large, or no text; Locust names the one that is missing.
    """
    for name in names:
        path = os.path.expanduser(name)  # noqa: PTH111
        if os.path.exists(path):  # noqa: PTH110  # Path's fails for a name that is too long
            try:
                read_input(path, MAX_CONFIG_BYTES).decode()
            except UnicodeDecodeError:
                raise InputError(f"{path}: not a text file in UTF-8") from None

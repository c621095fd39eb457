"""
One option of a run: how a field of ``Settings`` declares it, and how its texts become values.

Locust keeps options in a namespace that it sends to workers with msgpack, shows in its web UI, and
changes there to what the user types. The namespace therefore holds *plain* values (numbers,
booleans, texts), and the typed ones are made of them by ``Option.read``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from caretaker.argument_type import argument_type
from caretaker.errors import InputError

_Value = TypeVar("_Value")
_Default = TypeVar("_Default")

Plain = bool | int | float | str | None
"""A value as Locust keeps, sends and shows it."""


@dataclass(frozen=True, kw_only=True)
class Option:
    """
    The declaration of one option.

    Args:
        flag: its name on the command line.
        parse: makes the value of a text, or raises ``InputError``.
        text: makes the text of a value; the inverse of ``parse``.
        default: the value where none is given.
        unit: what a value is, as the help shows it; empty for a switch.
        example: a value as it is typed in a shell; empty for a switch.
        help: its description in the help, without the default.
        nothing: what no value means, for the help, where ``default`` does not say it.
        action: what argparse does: keep the last value, collect all of them, or set a switch.
        in_web_ui: whether the web UI can change it between runs.
        live: whether the web UI can change it during a run too.
        secret: whether its value must not be shown.
        of_master: whether only the master uses it. It may name a file of the master's machine, so
            workers, which receive it with the others, do not parse it.
    """

    flag: str
    parse: Callable[[str], Any]
    text: Callable[[Any], str] = str
    default: Any
    unit: str
    example: str
    help: str
    nothing: str = ""
    action: Literal["store", "append", "store_true"] = "store"
    in_web_ui: bool = False
    live: bool = False
    secret: bool = False
    of_master: bool = False

    @property
    def environment(self) -> str:
        """The environment variable that gives it, too."""
        return f"CARETAKER_{self.flag.lstrip('-').replace('-', '_').upper()}"

    def plain(self, value: Any) -> Plain:
        """One value as Locust keeps it."""
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.text(value)

    def public(self, value: Any) -> Plain | tuple[Plain, ...]:
        """The value, or the values, as a summary shows them."""
        if self.action == "append":
            return tuple(map(self.plain, value))
        return self.plain(value)

    def read(self, plain: Any) -> Any:
        """
        The typed value of what Locust keeps.

        Raises:
            InputError: the value can't be used; the text begins with the flag.
        """
        if self.action == "append":
            return tuple(map(self._parsed, plain or ()))
        if self.action == "store_true":
            return bool(plain)
        is_default = plain is None or plain == self.plain(self.default)
        if is_default or (plain == "" and self.default is None):
            return self.default
        return self._parsed(plain)

    def _parsed(self, plain: Plain) -> Any:
        try:
            return self.parse(str(plain))
        except InputError as error:
            raise InputError(f"{self.flag}: {error}") from error

    def add_to(self, group: Any, name: str, default: Plain) -> None:
        """
        Add it to a parser.

        Args:
            group: an argument group of Locust's parser.
            name: of its value in the namespace.
            default: the value of this run where none is given, which need not be ours.
        """
        shared = {"dest": name, "env_var": self.environment, "help": self._full_help(default)}
        if self.action == "store_true":
            action = group.add_argument(self.flag, action="store_true", default=False, **shared)
        else:
            action = group.add_argument(
                self.flag, action=self.action, default=default, metavar=f"<{self.unit}>",
                type=argument_type(lambda text: self.plain(self.parse(text))), **shared,
            )  # fmt: skip
        action.include_in_web_ui = self.in_web_ui

    def _full_help(self, default: Plain) -> str:
        if self.action == "store_true":
            return self.help
        return f"{self.help} Default: {self.default_text(default)}."

    def default_text(self, default: Plain) -> str:
        """What holds without it, for the help."""
        if default in (None, ""):
            return self.nothing
        return f"{default:g}" if isinstance(default, float) else str(default)


def option(
    flag: str,
    parse: Callable[[str], _Value],
    *,
    default: _Default,
    unit: str,
    example: str,
    help: str,  # noqa: A002  # argparse's word
    **more: Any,
) -> _Value | _Default:
    """Declare a field that is an option with one value; ``more`` is of ``Option``."""
    declared = Option(
        flag=flag, parse=parse, default=default, unit=unit, example=example, help=help, **more
    )
    made: Any = field(default=default, metadata={"option": declared})
    return made  # type: ignore[no-any-return]


def repeated(
    flag: str,
    parse: Callable[[str], _Value],
    *,
    unit: str,
    example: str,
    help: str,  # noqa: A002
    **more: Any,
) -> tuple[_Value, ...]:
    """Declare a field that is an option which may be given any number of times."""
    declared = Option(
        flag=flag,
        parse=parse,
        default=(),
        unit=unit,
        example=example,
        help=help,
        action="append",
        **more,
    )
    made: Any = field(default=(), metadata={"option": declared})
    return made  # type: ignore[no-any-return]


def switch(flag: str, *, help: str) -> bool:  # noqa: A002
    """Declare a field that is an option without a value."""
    declared = Option(
        flag=flag, parse=bool, default=False, unit="", example="", help=help, action="store_true"
    )
    made: Any = field(default=False, metadata={"option": declared})
    return made  # type: ignore[no-any-return]

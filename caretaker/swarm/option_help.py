"""The help of a run: every option with its unit, its default and an example, in groups."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from caretaker.swarm.locust_options import HELP_GROUPS, LOCUST_OPTIONS
from caretaker.swarm.options import GROUPS, OPTIONS

ABOUT = (
    "A load test: a fleet of CPEs informs an ACS and answers its Connection Requests. Without "
    "--host it runs against an embedded ACS."
)
EPILOG = (
    "Options can also be given in the environment (--cr-rate as CARETAKER_CR_RATE, --users as "
    "LOCUST_USERS) and in a file (--config)."
)
_GROUP_OF = {each.name: group for group, kind in GROUPS.items() for each in fields(kind)}


class OptionLine(NamedTuple):
    """
    What the help has of an option.

    Args:
        flags: its names, the shortest first; none for what stands without a flag.
        unit: what a value is; empty for a switch.
        meaning: in sentences.
        default: what holds without it; empty for a switch.
        example: as it is typed in a shell.
        environment: the variable that gives it; empty where none does.
    """

    flags: tuple[str, ...]
    unit: str
    meaning: str
    default: str
    example: str
    environment: str

    @property
    def title(self) -> str:
        """The flags, and what a value is."""
        unit = f"<{self.unit}>" if self.unit else ""
        return " ".join(filter(None, (", ".join(self.flags), unit)))


def lines(parser: Any) -> dict[str, list[OptionLine]]:
    """
    The lines of all options of a parser, by group.

    Args:
        parser: Locust's, with our options and the defaults of the run.
    """
    made: dict[str, list[OptionLine]] = {group: [] for group in HELP_GROUPS}
    actions = {action.dest: action for action in parser._actions}  # noqa: SLF001  # no other way
    for name in (*LOCUST_OPTIONS, *OPTIONS):
        group = _GROUP_OF.get(name) or LOCUST_OPTIONS[name].group
        made[group].append(_line(name, actions[name], parser.get_default(name)))
    return made


def _line(name: str, action: argparse.Action, default: Any) -> OptionLine:
    flags = tuple(sorted(action.option_strings, key=len))
    declared = OPTIONS.get(name) or LOCUST_OPTIONS[name]
    if name in OPTIONS:
        shown = OPTIONS[name].default_text(default)
    else:
        shown = LOCUST_OPTIONS[name].nothing or str(default)
    return OptionLine(
        flags=flags,
        unit=declared.unit,
        meaning=declared.help,
        default=shown if declared.unit else "",
        example=" ".join(filter(None, (*flags[-1:], declared.example))),
        environment=getattr(action, "env_var", None) or "",
    )


def page(groups: Mapping[str, Sequence[OptionLine]], columns: int) -> str:
    """The help as a terminal of so many columns shows it."""
    parts = ["Usage: caretaker run [option ...] [UserClass ...]", textwrap.fill(ABOUT, columns)]
    for group, options in groups.items():
        shown = "\n".join(_entry(option, columns) for option in options)
        parts.append(f"{group[0].upper()}{group[1:]}:\n{shown}")
    return "\n\n".join([*parts, textwrap.fill(EPILOG, columns)])


def _entry(option: OptionLine, columns: int) -> str:
    default = f" Default: {option.default}." if option.default else ""
    wrapped = textwrap.wrap(f"{option.meaning}{default}", columns - 8, break_on_hyphens=False)
    shown = textwrap.indent("\n".join([*wrapped, f"Example: {option.example}"]), " " * 8)
    return f"  {option.title}\n{shown}"


def markdown(groups: Mapping[str, Sequence[OptionLine]]) -> str:
    """The help as a page of the docs."""
    return "\n".join(_markdown(groups))


def _markdown(groups: Mapping[str, Sequence[OptionLine]]) -> Iterator[str]:
    yield from ("# Options of `caretaker run`", "")
    yield from ("Made by `./scripts/options` of the options themselves; do not edit it.", "")
    yield from (f"{ABOUT} {EPILOG}", "")
    for group, options in groups.items():
        yield from (f"## {group[0].upper()}{group[1:]}", "")
        yield "| Option | Meaning | Default | Example | Environment |"
        yield "|---|---|---|---|---|"
        for option in options:
            texts = (cell.replace("<", r"\<") for cell in (option.meaning, option.default))
            variable = f"`{option.environment}`" if option.environment else ""
            cells = (f"`{option.title}`", *texts, f"`{option.example}`", variable)
            yield " | ".join(["", *(cell.replace("|", r"\|") for cell in cells), ""]).strip()
        yield ""

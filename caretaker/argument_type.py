"""Readers of texts as types of the standard library's parser of command lines."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from caretaker.errors import InputError


def argument_type(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """A reader as argparse wants it: its InputError becomes the one line of the parser."""

    def convert(text: str) -> Any:
        try:
            return parse(text)
        except InputError as error:
            raise argparse.ArgumentTypeError(str(error).replace("%", "%%")) from error

    return convert

"""
The records of an overlay.

Their fields have types that are read when the program runs (``device.plain_data``), and mypyc does
not keep these: this module is not compiled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class DeploymentUnit(NamedTuple):
    """A deployment unit that is installed; one execution unit belongs to each."""

    uuid: str
    version: str
    url: str
    environment: str
    execution_units: str = ""


class Attributes(NamedTuple):
    """Notification 0-6 and access list of a parameter, where they differ from the default."""

    notification: int
    access_list: tuple[str, ...]


class AddedRow(NamedTuple):
    """
    A row that was added to a table.

    Args:
        path: of the row.
        writable: whether the ACS can delete it.
        parameters: last name and type of its parameters, if the device made the row by itself;
            empty for one that has the shape of the table's other rows.
    """

    path: str
    writable: bool = True
    parameters: tuple[tuple[str, ...], ...] = ()


class RowChanges(NamedTuple):
    """
    All that one CPE has changed in the rows of its tables; its model makes ``TableRows`` of it.

    Args:
        added: the rows that were added and are still there, outer ones before those in them.
        deleted: rows of the model that are gone.
        highest: the highest instance number that each table ever had.
    """

    added: tuple[AddedRow, ...] = ()
    deleted: tuple[str, ...] = ()
    highest: Mapping[str, int] = {}

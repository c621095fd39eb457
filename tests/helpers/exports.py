"""Parameter exports that tests make: as large as they need them, and each with its own content."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

IDENTITY = (
    ("DeviceInfo.Manufacturer", "Acme"),
    ("DeviceInfo.ManufacturerOUI", "00AABB"),
    ("DeviceInfo.ProductClass", "Big"),
    ("DeviceInfo.SerialNumber", "ABC123456"),
)
ROWS_OF_A_TABLE = 300
COLUMNS = 20


def export(path: Path, parameters: int, value: str = "") -> Path:
    """Write an export with so many parameters, whose values begin with a text."""
    lines = (f"Device.{last},false,false,{text},xsd:string\n" for last, text in IDENTITY)
    with path.open("w") as file:
        file.write("Parameter,Object,Writable,Value,Value type\n")
        file.writelines(lines)
        file.writelines(_tables(parameters - len(IDENTITY), value))
    return path


def _tables(parameters: int, value: str) -> Iterator[str]:
    for number in range(parameters):
        row, column = divmod(number, COLUMNS)
        table, row = divmod(row, ROWS_OF_A_TABLE)
        place = f"Device.X_ACME_Table.{table + 1}.Row.{row + 1}.Parameter{column}"
        yield f"{place},false,true,{value}{number},xsd:string\n"

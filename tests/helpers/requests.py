"""Requests of an ACS by chance, right ones and wrong ones, for every method that a CPE has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from random import Random
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from caretaker.cwmp import messages as m
from caretaker.device.cpe import CPE
from caretaker.device.rpc.methods import METHODS

KEYS = (*("", "k", "key") * 4, "x" * 33)
UUIDS = ("5e4b1dc0-2f33-4fd5-8a2c-9f1d8f6ec001", "5e4b1dc0-2f33-4fd5-8a2c-9f1d8f6ec002", "odd")
VALUES = ("", "0", "1", "20", "Requested", "http://acs/", "http://other/", "2025-06-15T15:06:40Z")
FILES = ("http://acs/app-1.0.ipk", "http://acs/app-1.1.ipk", "https://acs/x", "ftp://acs/x", "")


def _path(chance: Random, box: CPE) -> str:
    """Mostly of something that is there."""
    names = [box.model.root, "", "Device.Nothing", "Device.Nothing."]
    for _ in range(chance.randrange(1, 6)):
        below = box.model.children_of(names[0], box.overlay)
        if not below:
            break
        names.insert(0, chance.choice(below))
    return names[0] if chance.random() < 0.9 else chance.choice(names)


def _object(chance: Random, box: CPE) -> str:
    """Mostly of a table that takes rows, or of a row."""
    rows = box.overlay.rows if box.overlay is not None else None
    objects = {**box.model.objects, **(rows.objects if rows is not None else {})}
    writable = [path for path, is_writable in objects.items() if is_writable]
    return chance.choice(writable) if chance.random() < 0.8 else _path(chance, box)


def _parameter(chance: Random, box: CPE) -> m.ParameterValueStruct:
    """What can be set, half of the time, and often what steers the CPE itself."""
    if chance.random() < 0.2:
        url = chance.choice(("http://acs/", "http://other/"))
        return m.ParameterValueStruct(f"{box.profile.management_server}URL", url, "")
    writable = [path for path, each in box.model.parameters.items() if each.writable]
    management_server = [
        path for path in writable if path.startswith(box.profile.management_server)
    ]
    likely = chance.choice((writable, management_server))
    path = chance.choice(likely) if chance.random() < 0.8 else _path(chance, box)
    value = box.value(path, 0.0) if chance.random() < 0.4 else chance.choice(VALUES)
    return m.ParameterValueStruct(path, value, chance.choice(("", "xsd:string")))


def _any_of(*values: Any) -> Callable[[Random, CPE], Any]:
    return lambda chance, _: chance.choice(values)


_FIELDS: dict[str, Callable[[Random, CPE], Any]] = {
    "name": _path,
    "parameter_names": lambda chance, box: tuple(
        _path(chance, box) for _ in range(chance.randrange(3))
    ),
    "parameter_path": _path,
    "object_name": _object,
    "parameter_key": _any_of(*KEYS),
    "command_key": _any_of(*KEYS),
    "url": _any_of(*FILES),
    "uuid": _any_of(*UUIDS),
    "version": _any_of(None, "1.0", "1.1", ""),
    "execution_env_ref": _any_of(None, None, "Device.SoftwareModules.ExecEnv.1", "odd"),
    "file_type": _any_of(
        "1 Firmware Upgrade Image",
        "1 Vendor Configuration File",
        "2 Vendor Log File",
        "3 Vendor Configuration File",
        "odd",
    ),
    "window_mode": _any_of("1 At Any Time", "2 Immediately", "3 When Idle", "odd"),
    "access_list": _any_of((), ("Subscriber",), ("Subscriber",), ("",), ("odd",)),
    "notification": _any_of(0, 1, 2, 2, 4, 7),
    "delay_seconds": _any_of(0, 1, 50, 5000),
    "window_start": _any_of(0, 10, 100),
    "window_end": _any_of(5, 100, 1000),
}
"""What an argument of this name is; others are made of their type."""
_SCALARS: dict[Any, Callable[[Random, CPE], Any]] = {
    str: _any_of(*("", "x") * 10, "x" * 300),
    int: _any_of(*(0, 1, 1000) * 5, -1),
    bool: _any_of(True, False),
    bytes: _any_of(b"", b"voucher"),
    str | None: _any_of(None, "", "x"),
    m.ParameterValueStruct: _parameter,
}


def random_request(chance: Random, box: CPE) -> m.Request:
    """A request of one of the methods that a CPE has, as far as can be with what it has."""
    request: m.Request = _build(chance.choice(tuple(METHODS)), chance, box)
    return request


def _build(cls: type, chance: Random, box: CPE) -> Any:
    return cls(
        *(
            _FIELDS[name](chance, box) if name in _FIELDS else _made(hint, chance, box)
            for name, hint in _arguments(cls)
        )
    )


@cache
def _arguments(cls: type) -> list[tuple[str, Any]]:
    hints = get_type_hints(cls, include_extras=True)
    names = [each.name for each in fields(cls)] if is_dataclass(cls) else cls._fields  # type: ignore[attr-defined]
    return [(name, hints[name]) for name in names]


def _made(hint: Any, chance: Random, box: CPE) -> Any:
    if get_origin(hint) is Annotated:
        return _made(get_args(hint)[0], chance, box)
    if get_origin(hint) is tuple:
        item = get_args(hint)[0]
        return tuple(_made(item, chance, box) for _ in range(chance.choice((0, 1, 1, 2, 3))))
    if hint in _SCALARS:
        return _SCALARS[hint](chance, box)
    if get_args(hint):  # a union of structs
        return _made(chance.choice(get_args(hint)), chance, box)
    return _build(hint, chance, box)

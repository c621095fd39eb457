"""
Messages and their XML elements, both ways.

* Names are mapped here and only here: ``command_key`` <-> ``CommandKey``, by one rule.
* One codec per message class, made from its fields when this module is imported; the table
  ``CODECS`` holds them. A new RPC is a class in ``messages.py`` and nothing here.
* What carries attributes, or most of the traffic, is read or written by a function of its own; the
  table ``BY_HAND`` has all of these, an Inform among them.
* Written: the RPC element in the cwmp namespace and its children in none, schema order, true
  array counts (TR-069 3.5). Read: by local names, in any order; a missing element takes the
  field's default.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import cache, lru_cache
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

from lxml import etree

from caretaker.cwmp import messages as m
from caretaker.cwmp.xml import (
    XSI_TYPE,
    children,
    escape,
    local,
    local_name,
    read_bool,
    read_bytes,
    read_int,
    read_text,
)
from caretaker.errors import EnvelopeError

# -- codecs from fields --------------------------------------------------------------------------


class _Codec(NamedTuple):
    """How a value is read from its element, and what stands in the element when it is written."""

    read: Callable[[etree._Element], Any]
    write: Callable[[Any], str]
    name: str = ""
    """The element name inside an array, and the type in its ``arrayType``."""
    array_type: str = ""


_SCALARS: dict[Any, _Codec] = {
    str: _Codec(read_text, escape, "string", "xsd:string"),
    int: _Codec(read_int, str),
    bool: _Codec(read_bool, lambda value: "1" if value else "0"),
    bytes: _Codec(
        read_bytes, lambda value: base64.b64encode(value).decode(), "base64", "soap-enc:base64"
    ),
}

_ACRONYMS = {"url": "URL", "uuid": "UUID", "oui": "OUI", "sn": "SN"}


def element_name(field: str) -> str:
    """The standard's name of a field: ``CommandKey`` of ``command_key``."""
    return "".join(_ACRONYMS.get(part, part.capitalize()) for part in field.split("_"))


def _array(item: _Codec) -> _Codec:
    start, end, read_item, write_item = f"<{item.name}>", f"</{item.name}>", item.read, item.write

    def read(element: etree._Element) -> tuple[Any, ...]:
        return tuple([read_item(child) for child in children(element)])

    def write(values: tuple[Any, ...]) -> str:
        return "".join([f"{start}{write_item(value)}{end}" for value in values])

    return _Codec(read, write, "", item.array_type)


class _Field(NamedTuple):
    """One field of a struct or message: its codec, and how its element is found and framed."""

    xml_name: str
    codec: _Codec
    default: Any
    repeated: bool = False
    optional: bool = False
    kinds: dict[str, _Codec] = {}  # noqa: RUF012  # a NamedTuple's default, never changed
    """The codecs by ``xsi:type``, where a repeated element may be of several."""
    is_scalar: bool = False
    """A number or boolean: an empty element stands for the default, as if it were absent."""


_EMPTY = {str: "", int: 0, bool: False, bytes: b""}


def _fields_of(cls: type) -> list[_Field]:
    hints = get_type_hints(cls, include_extras=True)
    if is_dataclass(cls):
        defaults = {f.name: f.default for f in fields(cls) if f.default is not MISSING}
        names = [f.name for f in fields(cls)]
    else:
        defaults, names = dict(cls._field_defaults), list(cls._fields)  # type: ignore[attr-defined]
    return [_field(name, hints[name], defaults) for name in names]


def _field(name: str, hint: Any, defaults: dict[str, Any]) -> _Field:
    xml_name = element_name(name)
    default = defaults.get(name, _EMPTY.get(hint, MISSING))
    if get_origin(hint) is Annotated and get_args(hint)[1] is m.Negligible:
        codec = _lenient(_codec_of(get_args(hint)[0]), default)
        return _Field(xml_name, codec, default, is_scalar=True)
    if get_origin(hint) is Annotated:  # Repeated
        item = get_args(get_args(hint)[0])[0]
        kinds = {kind.__name__: _codec_of(kind) for kind in get_args(item)}
        codec = _SCALARS[str] if kinds else _codec_of(item)
        return _Field(xml_name, codec, (), repeated=True, kinds=kinds)
    if get_origin(hint) is tuple:
        return _Field(xml_name, _array(_codec_of(get_args(hint)[0])), ())
    if hint == (str | None):
        return _Field(xml_name, _SCALARS[str], None, optional=True)
    return _Field(xml_name, _codec_of(hint), default, is_scalar=hint in (int, bool))


def _lenient(codec: _Codec, default: Any) -> _Codec:
    """A codec that reads what it can't read as the default."""

    def read(element: etree._Element) -> Any:
        try:
            return codec.read(element)
        except EnvelopeError:
            return default

    return codec._replace(read=read)


@cache
def _codec_of(kind: Any) -> _Codec:
    """The codec of a scalar type, or of a class whose fields become child elements in order."""
    if kind in _SCALARS:
        return _SCALARS[kind]
    parts, by_hand, name = _fields_of(kind), BY_HAND.get(kind, ByHand()), kind.__name__
    read = by_hand.read or _struct_reader(kind, parts)
    write = by_hand.write or _struct_writer(kind, parts)
    return _Codec(read, write, name, f"cwmp:{name}")


def _struct_reader(cls: type, parts: list[_Field]) -> Callable[[etree._Element], Any]:
    index = {part.xml_name: i for i, part in enumerate(parts)}
    defaults = [part.default for part in parts]

    def read(element: etree._Element) -> Any:
        values = defaults.copy()
        repeated: dict[int, list[Any]] = {}
        for child in children(element):
            i = index.get(local_name(child.tag))
            if i is None:
                continue
            part = parts[i]
            if part.repeated:
                repeated.setdefault(i, []).extend(_read_repeated(part, child))
            elif not part.is_scalar or (child.text or "").strip():
                values[i] = part.codec.read(child)
        for i, items in repeated.items():
            values[i] = tuple(items)
        for i, value in enumerate(values):
            if value is MISSING:
                raise EnvelopeError(f"{parts[i].xml_name} is missing in {local(element)}")
        return cls(*values)

    return read


def _read_repeated(part: _Field, element: etree._Element) -> list[Any]:
    """An element of a repeated field, or the array of them that several ACSs send instead."""
    if not part.kinds:
        items = [item for item in children(element) if local(item) == part.codec.name]
        return [part.codec.read(item) for item in items or (element,)]
    kind = _kind(part, element)
    if kind is not None:
        return [kind.read(element)]
    kinds = [(_kind(part, item), item) for item in children(element)]
    if not kinds:
        raise EnvelopeError(f"{part.xml_name} of unknown xsi:type")
    return [_known(part, kind).read(item) for kind, item in kinds]


def _kind(part: _Field, element: etree._Element) -> _Codec | None:
    """The kind that the ``xsi:type`` of an element tells, or its name where it has none."""
    kind = element.get(XSI_TYPE) or element.tag
    return part.kinds.get(local_name(kind))


def _known(part: _Field, kind: _Codec | None) -> _Codec:
    if kind is None:
        raise EnvelopeError(f"{part.xml_name} of unknown xsi:type")
    return kind


def _struct_writer(cls: type, parts: list[_Field]) -> Callable[[Any], str]:
    writers = [(name, _field_writer(part)) for name, part in zip(_names(cls), parts, strict=True)]

    def write(value: Any) -> str:
        return "".join([write_field(getattr(value, name)) for name, write_field in writers])

    return write


def _names(cls: type) -> tuple[str, ...]:
    if is_dataclass(cls):
        return tuple(f.name for f in fields(cls))
    return cls._fields  # type: ignore[attr-defined, no-any-return]


def _field_writer(part: _Field) -> Callable[[Any], str]:
    name, write = part.xml_name, part.codec.write
    start, end = f"<{name}>", f"</{name}>"
    if part.kinds:
        return lambda values: "".join(
            f'<{name} xsi:type="cwmp:{type(value).__name__}">'
            f"{part.kinds[type(value).__name__].write(value)}{end}"
            for value in values
        )
    if part.repeated:
        return lambda values: "".join([f"{start}{write(value)}{end}" for value in values])
    if part.optional:
        return lambda value: "" if value is None else f"{start}{write(value)}{end}"
    if part.codec.array_type and not part.codec.name:
        array = f'<{name} soap-enc:arrayType="{part.codec.array_type}['
        return lambda values: f'{array}{len(values)}]">{write(values)}{end}'
    return lambda value: f"{start}{write(value)}{end}"


# -- by hand --------------------------------------------------------------------------------------

_TYPE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


def _read_parameter_value(element: etree._Element) -> m.ParameterValueStruct:
    name = value = kind = ""
    for child in children(element):
        tag = child.tag
        if tag.endswith("Name"):
            name = (child.text or "").strip()
        elif tag.endswith("Value"):
            value = child.text or ""
            kind = child.get(XSI_TYPE, "")
    return m.ParameterValueStruct(name, value, _xsd_type(kind) if kind else "")


def _xsd_type(qname: str) -> str:
    return _known_xsd_type(qname[:_MAX_TYPE])


_MAX_TYPE = 256
"""Characters of an ``xsi:type`` that are looked at, as what was read is kept."""


@lru_cache(256)
def _known_xsd_type(qname: str) -> str:
    # Prefixes are free and some CPEs let odd characters slip in after the name.
    name = _TYPE_NAME.match(qname.rpartition(":")[2].strip())
    return f"xsd:{name[0]}" if name else ""


def _write_parameter_value(struct: m.ParameterValueStruct) -> str:
    name, value, kind = struct
    return f"{_before_value(name, kind)}{escape(value)}</Value>"


@lru_cache(16_384)
def _before_value(name: str, kind: str) -> str:
    quoted = escape(kind).replace('"', "&quot;")
    attribute = f' xsi:type="{quoted}"' if kind else ""
    return f"<Name>{escape(name)}</Name><Value{attribute}>"


def _write_parameter_info(struct: m.ParameterInfoStruct) -> str:
    name, writable = struct
    return f"<Name>{escape(name)}</Name><Writable>{'1' if writable else '0'}</Writable>"


def _write_parameter_attribute(struct: m.ParameterAttributeStruct) -> str:
    name, notification, access_list = struct
    return (
        f"<Name>{escape(name)}</Name><Notification>{notification}</Notification>"
        f"{_access_list(access_list)}"
    )


@lru_cache(1024)
def _access_list(access_list: tuple[str, ...]) -> str:
    entries = "".join(f"<string>{escape(entry)}</string>" for entry in access_list)
    array_type = f"xsd:string[{len(access_list)}]"
    return f'<AccessList soap-enc:arrayType="{array_type}">{entries}</AccessList>'


def _read_fault(element: etree._Element) -> m.Fault:
    """A SOAP fault; its CWMP part is in ``detail`` (TR-069 3.5)."""
    soap = {local(child): child for child in element}
    detail = soap.get("detail")
    cwmp = detail[0] if detail is not None and len(detail) else None
    parts = [(local(child), child) for child in cwmp] if cwmp is not None else []
    by_name = dict(parts)
    read_fault = _codec_of(m.SetParameterValuesFault).read
    faultcode = _text_of(soap, "faultcode").strip().rpartition(":")[2]
    return m.Fault(
        _fault_code(_text_of(by_name, "FaultCode")),
        _text_of(by_name, "FaultString") or _text_of(soap, "faultstring"),
        tuple(read_fault(child) for name, child in parts if name == "SetParameterValuesFault"),
        faultcode or "Server",
    )


def _fault_code(text: str) -> int:
    """The number, 0 if there is none; some put a prefix in front, as in ``faultcode``."""
    number = text.strip().rpartition(":")[2]
    return int(number) if re.fullmatch("[0-9]{1,5}", number, re.ASCII) else 0


def _text_of(elements: dict[str, etree._Element], name: str) -> str:
    return (elements[name].text or "") if name in elements else ""


def _write_fault(fault: m.Fault) -> str:
    write_fault = _codec_of(m.SetParameterValuesFault).write
    parameters = "".join(
        f"<SetParameterValuesFault>{write_fault(parameter)}</SetParameterValuesFault>"
        for parameter in fault.set_parameter_values_fault
    )
    return (
        f"<faultcode>{escape(fault.faultcode)}</faultcode><faultstring>CWMP fault</faultstring>"
        f"<detail><cwmp:Fault><FaultCode>{fault.fault_code}</FaultCode>"
        f"<FaultString>{escape(fault.fault_string)}</FaultString>{parameters}"
        f"</cwmp:Fault></detail>"
    )


def _write_inform(inform: m.Inform) -> str:
    parameters = inform.parameter_list
    return (
        f"{_device_id(inform.device_id)}{_events(inform.event)}"
        f"<MaxEnvelopes>{inform.max_envelopes}</MaxEnvelopes>"
        f"<CurrentTime>{escape(inform.current_time)}</CurrentTime>"
        f"<RetryCount>{inform.retry_count}</RetryCount>"
        f'<ParameterList soap-enc:arrayType="cwmp:ParameterValueStruct[{len(parameters)}]">'
        f"{''.join([_PARAMETERS[parameter] for parameter in parameters])}</ParameterList>"
    )


def _device_id(device_id: m.DeviceIdStruct) -> str:
    manufacturer, oui, product_class, serial_number = device_id
    return (
        f"{_device_model(manufacturer, oui, product_class)}"
        f"<SerialNumber>{escape(serial_number)}</SerialNumber></DeviceId>"
    )


@lru_cache(256)
def _device_model(manufacturer: str, oui: str, product_class: str) -> str:
    return (
        f"<DeviceId><Manufacturer>{escape(manufacturer)}</Manufacturer><OUI>{escape(oui)}</OUI>"
        f"<ProductClass>{escape(product_class)}</ProductClass>"
    )


class _InformParameters(dict[m.ParameterValueStruct, str]):
    """Entries of an Inform's ParameterList; nearly all are the same for a whole fleet."""

    def __missing__(self, struct: m.ParameterValueStruct) -> str:
        text = f"<ParameterValueStruct>{_write_parameter_value(struct)}</ParameterValueStruct>"
        if len(text) <= _MAX_CACHED_TEXT:
            if len(self) >= _MAX_CACHED:
                self.clear()
            self[struct] = text
        return text


_MAX_CACHED, _MAX_CACHED_TEXT = 4096, 400
_PARAMETERS = _InformParameters()


@lru_cache(1024)  # a fleet has few combinations of events at a time
def _events(events: tuple[m.EventStruct, ...]) -> str:
    write = _codec_of(m.EventStruct).write
    items = "".join([f"<EventStruct>{write(event)}</EventStruct>" for event in events])
    return f'<Event soap-enc:arrayType="cwmp:EventStruct[{len(events)}]">{items}</Event>'


class ByHand(NamedTuple):
    """What reads and writes a class in place of what its fields would give; None: they give it."""

    read: Callable[[etree._Element], Any] | None = None
    write: Callable[[Any], str] | None = None


BY_HAND: dict[type, ByHand] = {
    m.ParameterValueStruct: ByHand(_read_parameter_value, _write_parameter_value),
    m.ParameterInfoStruct: ByHand(write=_write_parameter_info),
    m.ParameterAttributeStruct: ByHand(write=_write_parameter_attribute),
    m.Inform: ByHand(write=_write_inform),
    m.Fault: ByHand(_read_fault, _write_fault),
}
"""Every class that is read or written by a function of its own."""

# -- messages -------------------------------------------------------------------------------------

CODECS: dict[type[m.Message], _Codec] = {
    cls: _codec_of(cls) for cls in (*m.REQUESTS.values(), *m.RESPONSES.values(), m.Fault)
}
"""The codec of every message class."""

_CLASSES: dict[str, type[m.Message]] = {cls.__name__: cls for cls in CODECS}


def read_message(element: etree._Element) -> m.Message:
    """
    The message of an element; of a method that is not of the standard only its name.

    A request whose arguments can't be read is a message all the same: it is answered with a
    fault, and the session goes on (TR-069 3.5).

    Raises:
        EnvelopeError: a response that can't be read.
    """
    name = local(element)
    cls = _CLASSES.get(name)
    if cls is not None:
        try:
            message: m.Message = CODECS[cls].read(element)
        except EnvelopeError as error:
            if name not in m.REQUESTS:
                raise
            return m.UnreadableRequest(name, str(error))
        return message
    return m.UnknownResponse(name) if name.endswith("Response") else m.UnknownRequest(name)


def write_message(message: m.Message) -> str:
    """The element of a message, to stand in the Body; TypeError for anything else."""
    codec = CODECS.get(type(message))
    if codec is not None:
        if codec.name == "Fault":
            return f"<soap-env:Fault>{codec.write(message)}</soap-env:Fault>"
        return f"<cwmp:{codec.name}>{codec.write(message)}</cwmp:{codec.name}>"
    if isinstance(message, m.UnknownRequest | m.UnreadableRequest | m.UnknownResponse):
        return f"<cwmp:{message.name}/>"
    raise TypeError(f"not a CWMP message: {type(message).__name__}")

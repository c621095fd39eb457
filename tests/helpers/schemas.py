"""Validating envelopes against the Broadband Forum's schemas, offline."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

from caretaker.cwmp import CWMP_1_0, Envelope, encode
from caretaker.cwmp import messages as m
from caretaker.cwmp.codec import encode_message

_LOCAL = {
    "http://schemas.xmlsoap.org/soap/envelope/": "soap-envelope-1.1.xsd",
    "http://schemas.xmlsoap.org/soap/encoding/": "soap-encoding-1.1.xsd",
    "http://www.broadband-forum.org/cwmp/cwmp-1-2.xsd": "cwmp-1-2.xsd",
    "http://www.broadband-forum.org/cwmp/cwmp-1-3.xsd": "cwmp-1-3.xsd",
}


class _Offline(etree.Resolver):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def resolve(self, system_url: str, _: str, context: Any = None) -> Any:
        name = _LOCAL.get(system_url)
        if name is None:
            return None
        return self.resolve_filename(str(self._folder / name), context)  # type: ignore[attr-defined]


class Schemas:
    """The schemas of CWMP 1.0 and 1.4 (whose namespace 1.2 and 1.3 share)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._schemas = {CWMP_1_0: self._load("cwmp-1-0.xsd")}
        self._latest = self._load("cwmp-1-4.xsd")

    @staticmethod
    @cache
    def of(folder: Path) -> Schemas:
        """The schemas of a folder, loaded once."""
        return Schemas(folder)

    def _load(self, name: str) -> etree.XMLSchema:
        parser = etree.XMLParser(no_network=True)
        parser.resolvers.add(_Offline(self._folder))
        return etree.XMLSchema(etree.parse(str(self._folder / name), parser))

    def has(self, minor: int, element: str) -> bool:
        """Whether the schema of CWMP 1.x has an element of this name."""
        schema = etree.parse(str(self._folder / f"cwmp-1-{minor}.xsd")).getroot()
        return any(each.get("name") == element for each in schema)

    def validate(self, data: bytes, namespace: str) -> None:
        """Fail if these bytes are no valid envelope."""
        self._schemas.get(namespace, self._latest).assertValid(etree.fromstring(data))

    def validate_connection_request(self, payload: etree._Element) -> None:
        """Fail if this is no valid payload of a Connection Request over XMPP."""
        schema = etree.XMLSchema(file=str(self._folder / "cwmp-xmppConnReq-1-0.xsd"))
        schema.assertValid(etree.fromstring(etree.tostring(payload)))

    def encode(self, envelope: Envelope) -> bytes:
        """Encode and validate."""
        data = encode(envelope)
        self.validate(data, envelope.namespace)
        return data

    def encode_message(self, message: m.Message, id_: str | None, namespace: str) -> bytes:
        """Encode a message without header elements but the ID, and validate it."""
        data = encode_message(message, id_, namespace)
        self.validate(data, namespace)
        return data

"""
The naive build: ``requests`` and lxml's ElementMaker, a first attempt at a generator.

A ``requests.Session`` for each CWMP session, the Inform built element by element, the answer parsed
whole; no device behind it and no statistics.
"""

from __future__ import annotations

import gevent
import locust  # noqa: F401  # patches, as under Locust's HttpUser
import requests
from lxml import etree
from lxml.builder import ElementMaker  # type: ignore[import-not-found]

from benchmarks.processes import cpu_seconds

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
CWMP = "urn:dslforum-org:cwmp-1-2"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
_SPACES = {"soap": SOAP, "cwmp": CWMP, "xsi": XSI}
_SOAP, _CWMP = (ElementMaker(namespace=uri, nsmap=_SPACES) for uri in (SOAP, CWMP))
_PLAIN = ElementMaker()

Parameters = list[tuple[str, str, str]]


def inform(about: dict[str, str], codes: list[str], parameters: Parameters) -> bytes:
    """An Inform, built element by element."""
    e = _PLAIN
    events = [e.EventStruct(e.EventCode(code), e.CommandKey()) for code in codes]
    values = [
        e.ParameterValueStruct(e.Name(name), e.Value(value, {f"{{{XSI}}}type": kind}))
        for name, value, kind in parameters
    ]
    message = _CWMP.Inform(
        e.DeviceId(*(e(name, text) for name, text in about.items())),
        e.Event(*events),
        e.MaxEnvelopes("1"),
        e.CurrentTime("2026-01-01T00:00:00+00:00"),
        e.RetryCount("0"),
        e.ParameterList(*values),
    )
    tree = _SOAP.Envelope(_SOAP.Header(_CWMP.ID("1")), _SOAP.Body(message))
    return etree.tostring(tree, xml_declaration=True, encoding="utf-8")


def is_inform_response(body: bytes) -> bool:
    """Whether an answer accepts the Inform."""
    return etree.fromstring(body).find(f".//{{{CWMP}}}InformResponse") is not None


class Naive:
    """
    Sessions over ``requests``, a number at once.

    Args:
        url: of the ACS.
        connections: how many sessions run at once.
        about: the fields of DeviceId by name.
        parameters: name, value and type of each parameter in the Inform.
    """

    def __init__(
        self, *, url: str, connections: int, about: dict[str, str], parameters: Parameters
    ) -> None:  # fmt: skip
        self._url = url
        self._connections = connections
        self._about = about
        self._parameters = parameters
        self._count = 0

    def measure(self, seconds: float) -> float:
        """Sessions per CPU second."""
        self._count, before = 0, cpu_seconds()
        greenlets = [gevent.spawn(self._repeat) for _ in range(self._connections)]
        gevent.sleep(seconds)
        figure = self._count / (cpu_seconds() - before)
        gevent.killall(greenlets)
        return figure

    def _repeat(self) -> None:
        while True:
            with requests.Session() as session:
                self._talk(session)
            self._count += 1

    def _talk(self, session: requests.Session) -> None:
        body = inform(self._about, ["2 PERIODIC"], self._parameters)
        headers = {"Content-Type": 'text/xml; charset="utf-8"', "SOAPAction": ""}
        answer = session.post(self._url, body, headers=headers, timeout=30)
        if not is_inform_response(answer.content):
            raise ValueError("no InformResponse")
        if session.post(self._url, b"", timeout=30).status_code != 204:  # noqa: PLR2004
            raise ValueError("no 204")

"""Dumps that stand as text in something else."""

from __future__ import annotations

import html
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.cwmp import Envelope, encode
from caretaker.cwmp import messages as m
from caretaker.profiles.escaped_dump import unescaped
from caretaker.profiles.profile import KNOWN
from caretaker.profiles.soap_dump import read_dump


def dump(value: str) -> str:
    struct = m.ParameterValueStruct("Device.X.Y", value, "xsd:string")
    return encode(Envelope(m.GetParameterValuesResponse((struct,)), "1")).decode()


HAR = {"log": {"entries": [{"request": {"postData": {"text": dump("<5>")}}, "time": 1.5}]}}
LOG = "\n".join(["no JSON", json.dumps({"message": f"sent {dump('<5>')}"}), "{}"])


@pytest.mark.parametrize(
    "text",
    [dump("<5>"), json.dumps(HAR), "{}\n" + LOG, f"<pre>{html.escape(dump('<5>'))}</pre>"],
)
def test_envelopes_are_found_in_texts(text: str) -> None:
    (row,) = read_dump([("a", unescaped(text.encode()))], KNOWN).rows
    assert (row.path, row.value) == ("Device.X.Y", "<5>")


@given(st.binary(max_size=40), st.sampled_from([b"", b"{", b"[", b"Envelope", b"&lt;Envelope"]))
def test_all_else_stays(data: bytes, before: bytes) -> None:
    assert unescaped(before + data) == before + data

"""Hosts and ports as people name them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.errors import InputError
from caretaker.http.host_names import HostPort, host, server


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a.lab", ("a.lab", 7)),
        ("a.lab:9", ("a.lab", 9)),
        ("10.0.0.1:9", ("10.0.0.1", 9)),
        ("::1", ("::1", 7)),
        ("[::1]", ("::1", 7)),
        ("[::1]:9", ("::1", 9)),
        ("2001:db8::7", ("2001:db8::7", 7)),
        ("2001:db8:0:0:0:0:0:7", ("2001:db8:0:0:0:0:0:7", 7)),
    ],
)
def test_a_port_may_be_left_out(text: str, read: tuple[str, int]) -> None:
    assert server(7)(text) == HostPort(*read)


@pytest.mark.parametrize(
    "text", ["", "a b", "a:99999999", "a:x", ":9", "[::1]:", "[::1", "[a", "a]:9", "[]", "[]:9"]
)
def test_what_is_no_server_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        server(7)(text)


@pytest.mark.parametrize("text", ["a", "a-b.c_d", "x.lab.", "7up", "1.2.3.4", "::", "12ab.34cd"])
def test_names_and_addresses_are_hosts(text: str) -> None:
    assert host(text) == text


@pytest.mark.parametrize(
    "text",
    ["", ".", "a..b", "-", "-a", "a-", "a.-b", "1.2.3", "1.2.3.4.", "1.2.3.999", "7", "fe80::1%e",
     "a/b", "a@b", "\uff11.lab", f"{'a' * 64}.lab", ".".join(["a" * 60] * 5)],
)  # fmt: skip
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a host name or address; give one like example"):
        host(text)


@given(st.text(max_size=30))
def test_a_server_is_one_host_and_a_port_or_refused_in_one_line(text: str) -> None:
    try:
        found = server(7)(text)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert server(9)(str(found)) == found

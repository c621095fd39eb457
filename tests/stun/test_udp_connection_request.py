from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.errors import DatagramError
from caretaker.stun.message import MAX_BYTES, SocketAddress
from caretaker.stun.udp_connection_request import UDPConnectionRequest

ADDRESS = SocketAddress("192.0.2.1", 7547)
REQUEST = UDPConnectionRequest("1700000000", "17", "user", "nonce").signed("password")
names = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-._%/é", min_size=1, max_size=60)
numbers = st.integers(0, 2**63).map(str)
requests = st.builds(UDPConnectionRequest, numbers, numbers, names, names)


@pytest.mark.rule("9.3-1")
def test_a_request_is_a_line_of_http() -> None:
    signature = hmac.new(b"password", b"170000000017usernonce", hashlib.sha1).hexdigest()
    assert REQUEST.encode(ADDRESS) == (
        b"GET http://192.0.2.1:7547?ts=1700000000&id=17&un=user&cn=nonce&sig="
        + signature.encode()
        + b" HTTP/1.1\r\nHost: 192.0.2.1:7547\r\n\r\n"
    )


@given(requests, st.text(max_size=80))
def test_a_request_is_read_as_it_was_written(request: UDPConnectionRequest, password: str) -> None:
    signed = request.signed(password)
    read = UDPConnectionRequest.decode(signed.encode(ADDRESS))
    assert read == signed
    assert read.is_signed_with(password)
    assert not read.is_signed_with(password + "x")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_an_error(data: bytes) -> None:
    try:
        UDPConnectionRequest.decode(data)
    except DatagramError:
        return


@pytest.mark.rule("9.3-1")
def test_fields_are_read_by_their_names() -> None:
    fields = [f"{n}={v}" for n, v in zip(("ts", "id", "un", "cn", "sig"), REQUEST, strict=True)]
    line = f"GET http://[::1]:7/path?{'&'.join(reversed(fields))}&more=1 HTTP/1.1\r\n\r\n"
    assert UDPConnectionRequest.decode(line.encode()) == REQUEST


@pytest.mark.rule("9.3-2")
def test_a_signature_is_right_in_either_case() -> None:
    upper = REQUEST._replace(signature=REQUEST.signature.upper())
    assert upper.is_signed_with("password")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("GET", "PUT"),
        lambda text: text.replace("http:", "https:"),
        lambda text: text.replace("ts=1700000000", "ts=-1"),
        lambda text: text.replace("ts=1700000000", "ts=" + "9" * 21),
        lambda text: text.replace("id=17", "id=x"),
        lambda text: text.replace("un=user", "nu=user"),
        lambda text: text.replace("cn=nonce", "cn="),
        lambda text: text.replace("sig=", "sig=0"),
        lambda text: text.replace("id=17", "id=17&id=18"),
        lambda text: text.replace("id=17", "&".join(f"id{n}=1" for n in range(20)) + "&id=17"),
        lambda text: text.replace(" HTTP/1.1", " HTTP/2"),
        lambda text: text.replace("un=user", "un=" + "u" * 800),
        lambda text: text + "x" * MAX_BYTES,
        lambda _: "",
    ],
)  # fmt: skip
def test_a_datagram_of_another_shape_is_an_error(change: object) -> None:
    assert callable(change)
    with pytest.raises(DatagramError):
        UDPConnectionRequest.decode(change(REQUEST.encode(ADDRESS).decode()).encode())


@pytest.mark.rule("9.3-2")
def test_a_request_that_comes_again_is_not_taken_again() -> None:
    assert REQUEST.may_follow(None)
    assert not REQUEST.may_follow(REQUEST.order)


@pytest.mark.rule("9.3-2")
def test_a_request_of_an_earlier_time_is_not_taken() -> None:
    later = REQUEST._replace(timestamp="1700000001", id="18")
    assert later.may_follow(REQUEST.order)
    assert not REQUEST.may_follow(later.order)


@pytest.mark.rule("9.3-2")
def test_requests_of_one_time_differ_in_their_ids() -> None:
    assert REQUEST._replace(id="18").may_follow(REQUEST.order)
    assert not REQUEST._replace(timestamp="1700000001").may_follow(REQUEST.order)

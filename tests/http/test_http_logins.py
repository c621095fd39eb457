"""What answers a challenge."""

from __future__ import annotations

import pytest

from caretaker.http.credentials import Credentials
from caretaker.http.logins import BasicLogin


@pytest.mark.parametrize(
    ("username", "password", "shown"),
    [
        ("Aladdin", "open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),  # RFC 7617 2
        ("test", "123£", "dGVzdDoxMjPCow=="),  # RFC 7617 2.1
        ("", "", "Og=="),
    ],
)
def test_basic(username: str, password: str, shown: str) -> None:
    login = BasicLogin(Credentials(username, password))
    for _ in range(2):
        assert login.header("POST", "/") == f"Basic {shown}"

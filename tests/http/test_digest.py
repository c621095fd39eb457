"""Answers to challenges of Digest."""

from __future__ import annotations

import re
from hashlib import md5

import pytest

from caretaker.http.credentials import Credentials
from caretaker.http.digest import DigestAnswers, DigestForm

WHO = Credentials("cpe", 'se"cret')


def _hash(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


_SECRET = _hash('cpe:r:se"cret')


def _answers(**fields: str | None) -> DigestAnswers:
    answers = DigestAnswers(DigestForm({"realm": "r", "nonce": "n", **fields}), "n", WHO)
    answers.cnonce = "c"
    return answers


def test_each_use_of_a_nonce_is_counted_and_hashed() -> None:
    answers = _answers(qop="auth,auth-int", algorithm="MD5", opaque="o")
    for number in ("00000001", "00000002"):
        response = _hash(f"{_SECRET}:n:{number}:c:auth:{_hash('POST:/acs')}")
        assert answers.header("POST", "/acs") == (
            'Digest username="cpe", realm="r", nonce="n", uri="/acs", algorithm=MD5, opaque="o", '
            f'qop=auth, nc={number}, cnonce="c", response="{response}"'
        )


def test_another_target_is_answered_with_its_own_uri() -> None:
    answers = _answers()
    for target in ("/a", "/b", "/a"):
        response = _hash(f"{_SECRET}:n:{_hash(f'POST:{target}')}")
        assert answers.header("POST", target) == (
            f'Digest username="cpe", realm="r", nonce="n", uri="{target}", response="{response}"'
        )


@pytest.mark.parametrize("qop", [None, "auth"])
def test_md5_sess_has_the_nonces_in_its_secret(qop: str | None) -> None:
    header = _answers(algorithm="MD5-sess", qop=qop).header("POST", "/")
    middle = "n:00000001:c:auth" if qop else "n"
    response = _hash(f"{_hash(f'{_SECRET}:n:c')}:{middle}:{_hash('POST:/')}")
    assert f'response="{response}"' in header
    assert re.findall(r"(\w+)=", header)[-2:] == ["cnonce", "response"]

"""The accounts of a fleet, as its CPEs log in with them."""

from __future__ import annotations

import pytest
from lxml import etree

from caretaker.connection_request.xmpp_sender import PASSWORD_VARIABLE
from caretaker.device.identity import Identities
from caretaker.xmpp_accounts import FORMATS, main

SEED_7 = Identities(7)


def written(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["--domain", "example.org", "--seed", "7", *arguments]) == 0
    return capsys.readouterr().out


def test_they_are_those_of_the_cpes(capsys: pytest.CaptureFixture[str]) -> None:
    assert written(capsys, "--count", "2", "--first", "9").split() == [
        f"fleet-000009,{SEED_7.secret(8, 'XMPP')}", f"fleet-000010,{SEED_7.secret(9, 'XMPP')}",
    ]  # fmt: skip


def test_prosody_takes_commands(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = written(capsys, "--count", "1", "--format", "prosody").splitlines()
    assert line == f'user:create("fleet-000001@example.org", "{SEED_7.secret(0, "XMPP")}")'


def test_ejabberd_takes_xml(capsys: pytest.CaptureFixture[str]) -> None:
    text = written(capsys, "--count", "3", "--format", "ejabberd")
    (host,) = etree.fromstring(text.encode())
    assert host.get("jid") == "example.org"
    assert [user.get("name") for user in host] == ["fleet-000001", "fleet-000002", "fleet-000003"]


@pytest.mark.parametrize("count", ["0", "-1", "x", "99999999"])
def test_a_wrong_number_is_refused_in_one_line(
    count: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--domain", "example.org", "--count", count])
    assert ended.value.code == 2
    assert "must be a whole number from 1 to 10000000" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--domain", 'a"b'), "--domain: 'a\"b' is no domain of accounts"),
        (("--domain", "::1"), "--domain: '::1' is no domain of accounts"),
        (("--domain", "a", "--serial-prefix", 'a"b'), "--serial-prefix: 'a\"b' is not 1 to 40"),
        (("--domain", "a", "--seed", "1_0"), "--seed: '1_0' must be a whole number"),
    ],
)
def test_what_would_need_escaping_is_refused(
    arguments: tuple[str, ...], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--count", "1"])
    assert ended.value.code == 2
    assert line in capsys.readouterr().err


def test_each_format_writes_all_accounts() -> None:
    for write in FORMATS.values():
        text = "".join(write("d", [("a", "w1"), ("b", "w2")]))
        assert [word in text for word in ("w1", "w2")] == [True, True]


def test_the_account_of_the_acs_comes_first(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, 'a"b')
    lines = written(capsys, "--count", "1", "--acs", "acs", "--format", "prosody").splitlines()
    assert lines[0] == r'user:create("acs@example.org", "a\"b")'
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("name", "word", "line"),
    [
        ("acs", "", f"give {PASSWORD_VARIABLE} in the environment"),
        ("a@b", "x", "is no username"),
        ("acs", "x\ny", f"{PASSWORD_VARIABLE} has control characters"),
    ],
)
def test_an_account_of_the_acs_that_can_not_be_made_is_one_line(
    name: str,
    word: str,
    line: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, word)
    with pytest.raises(SystemExit) as ended:
        main(["--domain", "example.org", "--count", "1", "--acs", name])
    assert ended.value.code == 2
    assert line in capsys.readouterr().err

"""One CPE by hand: commands in, exchanges out."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import trustme
from helpers.certificates import server_files
from helpers.processes import ROOT, environment, process

from caretaker import ACSServer, Credentials
from caretaker.__main__ import main
from caretaker.console.console import COMMANDS, Console
from caretaker.console.trace import Trace
from caretaker.http.server_tls import ServerTLS
from caretaker.masking import MASK

pytestmark = pytest.mark.sockets
NOWHERE = "http://127.0.0.1:1/"
CODE = "Device.DeviceInfo.ProvisioningCode"


@pytest.fixture
def acs() -> Iterator[ACSServer]:
    with ACSServer() as server:
        yield server


def play(url: str, *lines: str, whole: bool = False, **settings: object) -> str:
    """What is shown for these commands, without the times."""
    shown: list[str] = []
    settings = {"profiles": ["tr181"], "reboot_seconds": (0.01, 0.01), **settings}
    Console(Trace(shown.append, whole=whole), url, **settings).run(lines)
    return re.sub(r"(?m)^[0-9:.]{12} | \([0-9.]+ ms\)$", "", "".join(shown))


def test_a_first_contact_is_shown_line_by_line(acs: ACSServer) -> None:
    assert play(acs.url).splitlines()[1:-1] == [
        "> Inform: 0 BOOTSTRAP, 1 BOOT, 7 parameters",
        "< 200 InformResponse",
        "> (empty)",
        "< 200 SetParameterValues: 2 parameters",
        "> SetParameterValuesResponse: Status 0",
        "< 204 (empty)",
    ]


def test_who_it_is_comes_first_and_how_it_ended_last(acs: ACSServer) -> None:
    first, *_, last = play(acs.url, oui_prefix="LAB", first_index=41).splitlines()
    assert first.startswith(f"* CA7E01-HR181-LAB%2D000042 (tr181) informs {acs.url} ")
    assert re.fullmatch(r"\* session succeeded; next session in [0-9.]+ s", last)


@pytest.mark.parametrize(
    ("line", "inform"),
    [
        ("boot", "1 BOOT"),
        ("periodic", "2 PERIODIC"),
        ("cr", "6 CONNECTION REQUEST"),
        ("inform 8", "8 DIAGNOSTICS COMPLETE"),
        ("inform 8 diagnostics complete", "8 DIAGNOSTICS COMPLETE"),
        ("inform M Reboot", "M Reboot"),
        (f"set {CODE} code-7", "4 VALUE CHANGE"),
    ],
)
def test_a_command_causes_its_inform(acs: ACSServer, line: str, inform: str) -> None:
    assert f"> Inform: {inform}, 7 parameters" in play(acs.url, "wait", line)


def test_a_reboot_waits_for_the_session_that_runs(acs: ACSServer) -> None:
    shown = play(acs.url, "boot", "wait")
    assert shown.count("session succeeded") in (1, 2)  # it may come before the first session
    assert shown.rstrip().splitlines()[-1].startswith("* session succeeded")
    assert "bug" not in shown


def test_parameters_are_shown_and_set(acs: ACSServer) -> None:
    shown = play(
        acs.url,
        "wait",
        f"get {CODE}",
        f"set {CODE} two words",
        f"get {CODE}",
        f'set {CODE} ""',
        "get Device.DeviceInfo.",
        "get",
        "set Device.PPP.Interface.1.Username me",
    )
    lines = shown.splitlines()
    assert f"{CODE} = two words; told in a session of its own" in lines
    assert f"{CODE} = two words" in lines
    assert f"{CODE} = ; told in a session of its own" in lines
    assert "Device.DeviceInfo.SerialNumber = FLEET-000001" in lines
    assert "Device." in lines
    assert "Device.PPP.Interface.1.Username = me; not told, as notification is off" in lines


def test_all_parameters_are_dumped(acs: ACSServer) -> None:
    lines = play(acs.url, "dump", "dump Device.WiFi.").splitlines()
    assert lines.count("Device.WiFi.AccessPoint.1.Enable = true") == 2
    assert lines.count("Device.DeviceInfo.SerialNumber = FLEET-000001") == 1


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("fly", "no command 'fly'; 'help' lists them"),
        ("get Device.Nothing", "Device.Nothing: nothing of that name"),
        ("get Device.Nothing.", "Device.Nothing.: nothing of that name"),
        ("dump Device.Nothing.", "Device.Nothing.: nothing of that name"),
        ("set Device.Nothing 1", "Device.Nothing: nothing of that name"),
        (f"set {CODE}", "set PATH VALUE"),
        ("set Device.Time.Enable maybe", "Device.Time.Enable: not a value of its type"),
        ("inform 99", "event '99': not one of 0 BOOTSTRAP, "),
        ("inform 7", "event '7': not one of"),
        ("inform", "event '': not one of"),
        ("wait a while", "'a while' is not a number of seconds"),
    ],
)
def test_what_cannot_be_is_one_line_and_it_goes_on(line: str, complaint: str) -> None:
    lines = play(NOWHERE, line, "events", "quit").splitlines()
    place = next(i for i, each in enumerate(lines) if each.startswith(complaint))
    assert "0 BOOTSTRAP, 1 BOOT" in lines[place + 1 :]


def test_help_lists_every_command() -> None:
    lines = play(NOWHERE, "help", "", "quit", "periodic").splitlines()
    listed = [line.split()[0] for line in lines if re.match(r"[a-z-]+ .*  ", line)]
    assert listed == list(COMMANDS)


def test_without_an_acs_the_reason_and_the_next_attempt_are_told() -> None:
    shown = play(NOWHERE, "wait 0.2", "events", "quit")
    assert re.search(
        r"! connection refused\n"
        r"\* session failed: connection refused; next attempt in [5-9]\.[0-9] s\n"
        r"\* what helps: is the ACS's URL \(--host; of caretaker cpe --acs-url\) right\? Does.*\n"
        r"still to tell: 0 BOOTSTRAP, 1 BOOT\n"
        r"0 BOOTSTRAP, 1 BOOT\n",
        shown,
    )


def test_a_connection_request_is_shown(acs: ACSServer) -> None:
    def lines() -> Iterator[str]:
        yield "wait"
        (device,) = acs.devices()
        assert acs.connection_request(device) is None
        yield "wait"

    shown: list[str] = []
    Console(Trace(shown.append), acs.url, profiles=["tr098"]).run(lines())
    verdicts = re.findall(r"\* Connection Request: (.*)\n", "".join(shown))
    assert verdicts == ["unauthorized", "accepted"]
    assert "> Inform: 6 CONNECTION REQUEST" in "".join(shown)


def test_where_connection_requests_go(acs: ACSServer) -> None:
    shown = play(acs.url, "wait", "cr-url")
    url = r"http://127\.0\.0\.1:[0-9]+/cr/FLEET-000001"
    assert re.search(rf"^{url} \(Digest; username CA7E01-.*, password \*+\)$", shown, re.MULTILINE)


def test_they_may_go_over_tls(acs: ACSServer) -> None:
    tls = ServerTLS(server_files(trustme.CA()))
    shown = play(acs.url, "wait", "cr-url", connection_request_tls=tls)
    assert "https://127.0.0.1:" in shown


def test_challenges_are_shown_without_their_answers() -> None:
    with ACSServer(credentials=Credentials("me", "tr0ub4dor")) as acs:
        shown = play(acs.url, whole=True, credentials=Credentials("me", "tr0ub4dor"))
    assert "< 401 asks for Digest" in shown
    assert "session succeeded" in shown
    assert "tr0ub4dor" not in shown
    assert "nonce" not in shown


def secretive(folder: Path, root: str) -> tuple[str, list[str]]:
    """A profile with a secret of its own in every place that a secret can be."""
    path = folder / "secretive.csv"
    paths = [f"{root}.X.Password", f"{root}.X.PreSharedKey.1.PreSharedKey", f"{root}.X.WEPKey4"]
    paths += [f"{root}.X.{last}" for last in ("KeyPassphrase", "RadiusSecret", "WiFiPSK")]
    secrets = [f"tr0ub{number}4dor" for number in range(len(paths) + 1)]
    rows = [f"{path},false,true,{secret}," for path, secret in zip(paths, secrets, strict=False)]
    rows.append(f"{root}.X.URL,false,true,http://me:{secrets[-1]}@files/,")
    path.write_text("\n".join(["Parameter,Object,Writable,Value,Value type", *rows, ""]))
    return str(path), secrets


@pytest.mark.parametrize("root", ["Device", "InternetGatewayDevice"])
@pytest.mark.parametrize("whole", [False, True])
def test_no_secret_is_ever_shown(acs: ACSServer, tmp_path: Path, root: str, whole: bool) -> None:
    profile, secrets = secretive(tmp_path, root)
    secrets += ["by-hand-1", "by-the-acs-1"]
    given: list[str] = []

    def lines() -> Iterator[str]:
        yield "wait"
        given.extend(console.fleet.connection_request_credentials("FLEET-000001"))
        prefix = f"{root}.ManagementServer."
        given.append(console.fleet.get_param("FLEET-000001", f"{prefix}Password"))
        (device,) = acs.devices()
        values = [[f"{root}.X.{last}", "by-the-acs-1"] for last in ("Password", "WiFiPSK")]
        for task in (
            {"name": "getParameterValues", "parameterNames": [root]},
            {"name": "setParameterValues", "parameterValues": values},
            {"name": "getParameterValues", "parameterNames": [f"{root}.X.WiFiPSK"]},
        ):
            assert acs.post_task(device, task) is None
        yield from ("dump", f"get {root}.X.", f"get {root}.X.WiFiPSK", "cr-url", "events")
        yield f"set {root}.X.Password by-hand-1"
        yield f"set {root}.X.Nothing.Password by-hand-1"
        yield f"set {prefix}PeriodicInformInterval by-hand-1"

    shown: list[str] = []
    url = acs.url.replace("http://", f"http://me:{secrets[0]}@")
    console = Console(Trace(shown.append, whole=whole), url, profiles=[profile])
    console.run(lines())
    text = "".join(shown)
    username, *passwords = given
    assert username in text
    assert f"{root}.X.WiFiPSK = {MASK}" in text
    assert "SetParameterValues: 2 parameters" in text
    assert len(passwords) == 2
    assert [secret for secret in (*secrets, *passwords) if secret in text] == []


def test_bad_input_is_one_line_without_secrets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CARETAKER_ACS_PASSWORD", raising=False)
    for arguments, complaint in (
        (["ftp://me:tr0ub4dor@acs/"], "not an http or https address"),
        ([NOWHERE, "--profile", "nothing.csv"], "profile nothing.csv: No such file"),
        ([NOWHERE, "--cr-host", "192.0.2.1"], "192.0.2.1:0: "),
        (["https://acs/", "--tls-ca", "nothing.pem"], "nothing.pem: no certificates"),
        ([NOWHERE, "--acs-password", "tr0ub4dor"], "give --acs-username too"),
        ([NOWHERE, "--cr-tls-cert", "nothing.pem"], "nothing.pem: "),
        ([NOWHERE, "--cr-tls-key", "nothing.pem"], "--cr-tls-key: give --cr-tls-cert, too"),
        ([NOWHERE, "--serial", "17"], "--serial: '17' is not like FLEET-000001"),
        ([NOWHERE, "--serial", "FLEET-000000"], "is not like FLEET-000001"),
    ):
        assert main(["cpe", "--acs-url", *arguments]) == 2
        error = capsys.readouterr().err
        assert complaint in error
        assert error.count("\n") == 1
        assert "tr0ub4dor" not in error


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "--acs-url"),
        (["--cr-port", "70000"], "'70000' must be a whole number from 0 to 65535"),
        (["--answer-timeout", "nan"], "'nan' is not a number of seconds"),
    ],
)
def test_options_that_cannot_be(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    url = ["--acs-url", NOWHERE] if arguments else []
    with pytest.raises(SystemExit, match="2"):
        main(["cpe", *url, *arguments])
    assert complaint in capsys.readouterr().err


@pytest.mark.processes
def test_commands_are_piped_into_a_process(tmp_path: Path) -> None:
    arguments = ("caretaker", "acs", "--port", "0", "--north-bound-port", "0")
    with process(tmp_path / "acs", *arguments) as acs:
        url = acs.wait_for(r"ACS for CPEs: +(http:\S+)")[1]
        north = acs.wait_for(r"North-bound API: (http:\S+)")[1]
        done = subprocess.run(
            [sys.executable, "-m", "caretaker", "cpe", "--acs-url", url, "--profile", "tr098"],
            input="wait\nperiodic\nwait\nfly\nget InternetGatewayDevice.DeviceInfo.UpTime\n",
            capture_output=True,
            text=True,
            timeout=300,
            env=environment(),
            cwd=ROOT,
            check=False,
        )
        devices = requests.get(f"{north}/devices", timeout=60).json()
    assert (done.returncode, done.stderr) == (0, "")
    assert "> Inform: 2 PERIODIC" in done.stdout
    assert "no command 'fly'" in done.stdout
    assert "InternetGatewayDevice.DeviceInfo.UpTime = " in done.stdout
    assert [device["_id"] for device in devices] == ["CA7E01-HR098-FLEET%2D000001"]


@pytest.mark.processes
@pytest.mark.skipif(
    signal.getsignal(signal.SIGINT) == signal.SIG_IGN,
    reason="a shell started this in the background, where Ctrl-C means nothing",
)
def test_control_c_ends_it_cleanly() -> None:
    started = subprocess.Popen(
        [sys.executable, "-m", "caretaker", "cpe", "--acs-url", NOWHERE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(),
        cwd=ROOT,
    )
    assert started.stdout is not None
    with started:
        while "next attempt" not in started.stdout.readline():
            assert started.poll() is None
        started.send_signal(signal.SIGINT)
        rest = started.stdout.read()
        assert started.wait(60) == 0
    assert "Traceback" not in rest
    assert "next attempt" not in rest  # it ended at once, not after its next try

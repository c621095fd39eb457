"""``python -m caretaker profile``: from files to a profile that a fleet can run."""

from __future__ import annotations

import tomllib
from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.__main__ import main
from caretaker.cwmp import Envelope, encode
from caretaker.cwmp import messages as m
from caretaker.data_model.value_limits import Limits, ListLimits, Range, Size
from caretaker.errors import ProfileError
from caretaker.profiles import importer, load_profile
from caretaker.profiles.importer import import_files
from caretaker.profiles.profile import BUILT_IN
from caretaker.profiles.profile_file import Entry
from caretaker.profiles.profile_toml import read_profile_file
from caretaker.profiles.profile_writer import write_profile_file

MODEL = """<dm:document xmlns:dm="urn:broadband-forum-org:cwmp:datamodel-1-6">
<model name="Device:2">
<object name="Device.DeviceInfo." access="readOnly">
<parameter name="UpTime" access="readOnly" activeNotify="canDeny"><syntax><unsignedInt/></syntax>
</parameter></object>
<object name="Device.WiFi.Radio.{i}." access="readOnly">
<parameter name="Channel" access="readWrite"><syntax><unsignedInt>
<range minInclusive="1" maxInclusive="255"/></unsignedInt></syntax></parameter></object>
<profile name="WiFiRadio:1"><object ref="Device.WiFi.Radio.{i}.">
<parameter ref="Channel"/></object></profile></model></dm:document>"""
CSV = "Parameter,Value\nDevice.X.Y,5\nDevice.X.Password,secret\n"


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line of a command that fails with exit code 2."""
    assert main(["profile", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


def test_a_data_model_becomes_an_export_and_a_profile_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = tmp_path / "model.xml", tmp_path / "radio"
    source.write_text(MODEL)
    options = ["--profile", "WiFiRadio:1", "--rows", "Device.WiFi.Radio.=2", "-o", str(target)]
    assert main(["profile", "import", str(source), *options]) == 0
    assert f"run it with --profile {target}.toml" in capsys.readouterr().out
    profile = load_profile(f"{target}.toml")
    for number in "12":
        parameter = profile.model.parameters[f"Device.WiFi.Radio.{number}.Channel"]
        assert (parameter.value, parameter.limits) == ("1", Limits(ranges=(Range(1, 255),)))


def test_dumps_become_an_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    struct = m.ParameterValueStruct("Device.X.Y", "5", "xsd:int")
    data = encode(Envelope(m.GetParameterValuesResponse((struct,)), "1"))
    names = [tmp_path / name for name in ("1.xml", "2.http", "3.http")]
    names[0].write_bytes(data)
    names[2].write_bytes(b"GET /cr/1 HTTP/1.1\r\n\r\n")
    names[1].write_bytes(b"POST / HTTP/1.1\r\n\r\n")
    assert main(["profile", "import", *map(str, names), "-o", str(tmp_path / "box.csv")]) == 0
    assert not (tmp_path / "box.toml").exists()
    assert load_profile(str(tmp_path / "box.csv")).model.constants["Device.X.Y"] == struct


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-16-be"])
@pytest.mark.parametrize("text", [CSV, f"<?xml version='1.0' encoding='UTF-16'?>{MODEL}"])
def test_a_byte_order_mark_tells_the_encoding(text: str, encoding: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    declared = text if "16" in encoding else text.replace("UTF-16", "UTF-8")
    source.write_bytes((mark + declared).encode(encoding))
    assert len(import_files([str(source)]).export.rows) > 1


def test_of_two_roots_the_larger_one_is_the_device(tmp_path: Path) -> None:
    source = tmp_path / "both.csv"
    source.write_text(f"{CSV}InternetGatewayDevice.X.Y,1\n")
    imported = import_files([str(source)])
    assert {row.path.partition(".")[0] for row in imported.export.rows} == {"Device"}
    assert imported.notes[1:] == [
        "  InternetGatewayDevice.: 1 rows beside those of Device.; left out"
    ]


def test_odd_items_are_listed_with_a_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "odd.csv"
    rows = "".join(f"Device.X.{n},x,1\n" for n in range(12))
    source.write_text(f"Parameter,Writable,Value\n{rows}")
    assert main(["profile", "import", str(source), "-o", str(tmp_path / "box")]) == 0
    text = capsys.readouterr().out
    assert "Odd items: 12, read as well as they can be\n  Device.X.0: Writable is 'x'" in text
    assert "... and 2 more" in text


def test_real_exports_stay_what_they_are(devices: Path, tmp_path: Path) -> None:
    for source in devices.glob("*.csv"):
        target = tmp_path / source.name
        assert main(["profile", "import", str(source), "-o", str(target)]) == 0
        old, new = load_profile(str(source)), load_profile(str(target))
        assert new.model.parameters == old.model.parameters
        assert new.model.objects == old.model.objects
        assert (new.oui, new.inform_parameters) == (old.oui, old.inform_parameters)


def test_show_tells_what_a_profile_is_and_never_a_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(
        "Parameter,Value,Value type\nDevice.X.N,many,xsd:int\nDevice.X.Password,secret,xsd:int\n"
    )
    assert main(["profile", "show", str(path)]) == 0
    text = capsys.readouterr().out
    assert "Device.X.N = 'many' is no xsd:int" in text
    assert "Odd values:       1" in text  # a password of the dump is none of the profile
    assert "secret" not in text


@pytest.mark.parametrize("name", BUILT_IN)
def test_our_own_profiles_show_nothing_odd(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "show", name]) == 0
    assert "Odd values:       none" in capsys.readouterr().out


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "router.csv"
    source.write_text(CSV)
    line = error_of(capsys, "import", str(source), "-o", str(tmp_path / "router"))
    assert "router.csv: File exists; choose another name" in line
    assert source.read_text() == CSV


def test_a_device_that_cant_be_a_profile_leaves_no_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "model.xml"
    source.write_text(MODEL)
    with monkeypatch.context() as patch:
        patch.setattr(importer, "build", Mock(side_effect=ProfileError("no profile")))
        error = error_of(capsys, "import", str(source), "-o", str(tmp_path / "box"))
    assert "no profile" in error
    (tmp_path / "box.toml").write_text("")
    assert "File exists" in error_of(capsys, "import", str(source), "-o", str(tmp_path / "box"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["box.toml", "model.xml"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nothing.xml"], "nothing.xml: No such file"),
        (["a.csv", "a.csv"], "import one CSV export at a time"),
        (["a.csv", "m.xml"], "import files of one kind"),
        (["a.csv", "--profile", "Baseline:1"], "are for data models"),
        (["a.csv", "--rows", "Device.X"], "write a table and a number"),
        (["m.xml", "--profile", "Baseline:1"], "no profile 'Baseline:1'"),
        (["m.xml", "--rows", "Device.Y.=2"], "no such table"),
        (["empty"], "no columns"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: list[str], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text(CSV)
    Path("m.xml").write_text(MODEL)
    Path("empty").write_text("")
    assert complaint in error_of(capsys, "import", *arguments, "-o", "out")
    assert not Path("out.csv").exists()


TEXTS = st.lists(st.text(st.characters(codec="utf-8")), max_size=3).map(tuple)
RANGES = st.builds(Range, st.none() | st.integers(-9, 0), st.integers(1, 9), st.integers(1, 3))
SIZES = st.builds(Size, st.integers(0, 9), st.integers(10, 99))
ITEMS = st.builds(
    lambda ranges, sizes, texts, patterns, kind: Limits(ranges, sizes, texts, patterns, type=kind),
    st.lists(RANGES, max_size=2).map(tuple),
    st.lists(SIZES, max_size=2).map(tuple),
    TEXTS,
    st.lists(st.sampled_from(["", "[0-9]{6}", "a|b"]), max_size=2).map(tuple),
    st.sampled_from(["xsd:string", "xsd:unsignedInt", "xsd:hexBinary"]),
)
LISTS = st.builds(ListLimits, ITEMS, st.integers(0, 3), st.integers(4, 9), st.booleans())
LIMITS = st.builds(
    lambda limits, listed, **rest: limits._replace(
        listed=listed, type="xsd:hexBinary" if listed is None else "xsd:string", **rest
    ),
    ITEMS,
    st.none() | LISTS | LISTS.map(lambda inner: ListLimits(Limits(listed=inner))),
    default=st.none() | st.text(st.characters(codec="utf-8")),
    deny_active=st.booleans(),
    write_once=st.booleans(),
)


@given(st.lists(LIMITS, max_size=3))
def test_a_profile_file_that_is_written_is_read_again(limits: list[Limits]) -> None:
    entries = [Entry(f"Device.X.*.Y{n}", limits=each, inform=True) for n, each in enumerate(limits)]
    data = write_profile_file("tr181", entries)
    tomllib.loads(data.decode())
    file = read_profile_file("any", data)
    assert file.base == "tr181"
    assert all(read.inform for read in file.parameters)
    written = {entry.path: entry.limits for entry in entries}
    assert {read.path: read.limits for read in file.parameters} == {
        path: None if each == Limits(type=each.type) else each
        for path, each in written.items()
        if each is not None
    }

"""A list of devices as CSV: every column, every dialect, and one clear line for what is wrong."""

from __future__ import annotations

import pytest

from caretaker.device import device_csv
from caretaker.device.device_csv import CHECKS, COLUMNS, MAX_LINE, PROFILE, read_devices
from caretaker.device.listed_devices import MAC, PATHS, SERIAL, ListedDevices
from caretaker.errors import InputError
from caretaker.profiles.profile import KNOWN

SECRET = "s3cr3t"


def devices(text: str) -> ListedDevices:
    return read_devices("fleet.csv", text.encode())


def refusal(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read_devices("fleet.csv", data)
    return str(caught.value)


def test_each_device_has_the_texts_of_its_row() -> None:
    two = devices("serial,oui,acs_password\nA1,00:11:22,p1\nA2,aabbcc,\n")
    assert len(two) == 2
    assert [two.text(0, column) for column in two.columns] == ["A1", "001122", "p1"]
    assert [two.text(1, column) for column in two.columns] == ["A2", "AABBCC", ""]


@pytest.mark.parametrize("column", COLUMNS)
def test_each_column_goes_by_all_of_its_names(column: str) -> None:
    for name in (column, column.upper(), column.replace("_", " "), *COLUMNS[column]):
        header = name if column == SERIAL else f"serial,{name}"
        expected = [SERIAL] if column in (SERIAL, PROFILE) else [SERIAL, column]
        read = devices(f"{header}\nA1\n")
        assert list(read.columns) == expected, name


def test_each_column_is_a_parameter_or_has_a_meaning_of_its_own() -> None:
    assert set(COLUMNS) == {*PATHS, SERIAL, MAC, PROFILE}
    assert set(PATHS.values()) <= set(KNOWN)
    assert set(CHECKS) <= set(COLUMNS)


@pytest.mark.parametrize("root", ["Device", "InternetGatewayDevice"])
def test_the_path_of_what_has_a_column_is_that_column(root: str) -> None:
    read = devices(f"{root}.DeviceInfo.SerialNumber,{root}.ManagementServer.Password\nA1,p\n")
    assert read.columns == (SERIAL, "acs_password")


def test_any_other_column_is_the_path_of_a_parameter() -> None:
    read = devices("sn,Device.WiFi.SSID.1.SSID\nA1, ours \n")
    assert read.text(0, "Device.WiFi.SSID.1.SSID") == "ours "


@pytest.mark.parametrize(
    "data",
    [
        b"serial,oui\nA1,001122\n",
        b"\xef\xbb\xbfserial;oui\r\nA1;001122\r\n",
        "serial\toui\nA1\t001122\n".encode("utf-16"),
        b'sep=;\r\nserial;oui\r\n"A1";"001122"\r\n',
        b"serial,oui\n\n, \nA1, 001122\n,\n\n",
        b"serial,oui,,\nA1,001122,,\n",
    ],
    ids=["plain", "excel", "unicode", "sep", "empty rows", "empty columns"],
)
def test_what_spreadsheets_write_is_read(data: bytes) -> None:
    read = read_devices("fleet.csv", data)
    assert (len(read), read.text(0, SERIAL), read.text(0, "oui")) == (1, "A1", "001122")


def test_cells_that_are_left_out_at_the_end_are_empty() -> None:
    assert devices("serial,oui,mac\nA1\n").text(0, "mac") == ""


@pytest.mark.parametrize("text", ["00:11:22:aa:bb:cc", "001122AABBCC", "00-11-22-AA-BB-CC"])
def test_macs_have_any_notation(text: str) -> None:
    assert devices(f"serial,mac\nA1,{text}\n").text(0, "mac") == "001122AABBCC"


def test_devices_name_their_profiles() -> None:
    read = devices("profile,serial\ntr098,A1\n,A2\nbox.csv,A3\ntr098,A4\n")
    assert read.profiles == ("tr098", "box.csv")
    assert [read.profile_number(index) for index in range(4)] == [1, 0, 2, 1]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "row 1 names no column 'serial'"),
        (b"oui\n001122\n", "row 1 names no column 'serial'"),
        (b"serial\n\n", "has no devices"),
        (b"serial,colour\nA1,red\n", "column 'colour' is neither one of serial, "),
        (b"serial,produkt_class\nA1,red\n", "name it 'product_class', or delete it"),
        (b"serial,SN\nA1,A1\n", "columns serial and SN are both serial"),
        (b"serial\nA1\n\nA2\nA1\n", "rows 2 and 5 have the same serial number, A1"),
        (b"serial,oui\nA1,001122\n,001122\n", "row 3: serial: is empty"),
        (b"serial\n1.23E+11\n", "row 2: serial: 1.23E+11 was rounded by a spreadsheet"),
        (b"serial\n" + b"A" * 65, "row 2: serial: "),
        (b"serial,oui\nA1,0011\n", "row 2: oui: 0011 is no OUI"),
        (b"serial,mac\nA1,00:11:22\n", "row 2: mac: 00:11:22 is no MAC address"),
        (b"serial,oui\nA1,001122,s3cr3t\n", "row 2 has 3 columns, and row 1 has 2"),
        (b"serial,acs_password\nA1,s3cr3t\x07\n", "row 2: acs_password: has a control"),
        (b'serial,acs_password\nA1,"s3cr3t\n', "row 2 is not CSV"),
        (b"serial,acs_password\nA1,s3cr3t\nA2,\xe4s3cr3t\n", "row 3 is not in UTF-8"),
        (b"sep=|\nserial|oui\nA1|001122\n", "row 1: sep=| is no separator"),
    ],
)  # fmt: skip
def test_what_can_not_be_used_is_one_line_with_its_row(data: bytes, said: str) -> None:
    line = refusal(data)
    assert line.startswith("fleet.csv: ")
    assert said in line
    assert SECRET not in line
    assert "\n" not in line
    assert "; " in line  # and its cure


def test_lines_end(monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"row 2 has more than {MAX_LINE} characters" in refusal(b"serial\n" + b"A" * 70_000)


def test_profiles_of_devices_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_csv, "MAX_PROFILES", 2)
    rows = "\n".join(f"A{number},box{number}.csv" for number in range(3))
    assert "row 4: profile: 2 others before" in refusal(f"serial,profile\n{rows}".encode())

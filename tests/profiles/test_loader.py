"""Profiles by the content of their files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.exports import export

from caretaker.errors import ContentUnknownError, ProfileError
from caretaker.profiles.loader import load_profile, load_source, read_profile
from caretaker.profiles.profile_source import ProfileSource, SourceFile


def without_content(source: ProfileSource) -> ProfileSource:
    return ProfileSource(*(replace(file, content=None) for file in source.files))


def test_a_profile_is_read_once_whatever_folder_its_file_is_in(tmp_path: Path) -> None:
    first = load_profile(str(export(tmp_path / "box.csv", 10, "once")))
    (tmp_path / "other").mkdir()
    assert load_profile(str(export(tmp_path / "other" / "box.csv", 10, "once"))) is first
    assert load_profile(str(export(tmp_path / "other" / "box.csv", 10, "twice"))) is not first


def test_the_files_of_a_profile_file_are_itself_and_its_base(tmp_path: Path) -> None:
    base = export(tmp_path / "box.csv", 10, "base")
    (tmp_path / "box.toml").write_text('base = "box.csv"')
    source = load_source(str(tmp_path / "box.toml"))
    assert [file.name for file in source.files] == ["box.toml", "box.csv"]
    assert [file.content for file in source.files] == [b'base = "box.csv"', base.read_bytes()]


def test_a_profile_that_was_read_is_found_by_the_hashes_of_its_files(tmp_path: Path) -> None:
    export(tmp_path / "box.csv", 10, "known")
    (tmp_path / "box.toml").write_text('base = "box.csv"')
    source = load_source(str(tmp_path / "box.toml"))
    with pytest.raises(ContentUnknownError):
        read_profile(without_content(source))
    profile = read_profile(source)
    assert read_profile(without_content(source)) is profile


def test_a_changed_base_makes_another_profile(tmp_path: Path) -> None:
    (tmp_path / "box.toml").write_text('base = "box.csv"')
    export(tmp_path / "box.csv", 10, "old")
    first = load_profile(str(tmp_path / "box.toml"))
    export(tmp_path / "box.csv", 10, "new")
    assert load_profile(str(tmp_path / "box.toml")) != first


@pytest.mark.parametrize("name", ["../../secret", "/etc/passwd", "other"])
def test_only_built_in_profiles_are_read_without_content(name: str) -> None:
    with pytest.raises(ProfileError, match="not one of tr181, tr098"):
        read_profile(ProfileSource(SourceFile(name)))


def test_what_a_built_in_profile_says_holds_where_a_file_based_on_it_does_not(
    tmp_path: Path,
) -> None:
    account, other = "Device.PPP.Interface.1.Username", "Device.Hosts.Host.1.Active"
    usual = load_profile("tr181").model.parameters
    (tmp_path / "box.toml").write_text('base = "tr181"\n')
    based = load_profile(str(tmp_path / "box.toml")).model.parameters
    assert (based[account], based[other]) == (usual[account], usual[other])
    (tmp_path / "box.toml").write_text(f'base = "tr181"\n[values]\n"{account}" = "me"\n')
    given = load_profile(str(tmp_path / "box.toml")).model.parameters[account]
    assert (given.value, given.source) == ("me", "")


def test_quirks_of_a_built_in_profile_hold_unless_a_file_has_its_own(tmp_path: Path) -> None:
    (tmp_path / "same.toml").write_text('base = "cable"\n')
    same, usual = load_profile(str(tmp_path / "same.toml")), load_profile("cable")
    assert same.quirks == usual.quirks
    assert (same.cwmp_version, same.namespace) == (usual.cwmp_version, usual.namespace)
    assert same.model.parameters == usual.model.parameters
    (tmp_path / "none.toml").write_text('base = "cable"\nquirks = []\ncwmp = "1.2"\n')
    none = load_profile(str(tmp_path / "none.toml"))
    assert (none.quirks, none.cwmp_version) == (frozenset(), "1.2")

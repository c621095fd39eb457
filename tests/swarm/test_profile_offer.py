"""The profiles of a run, as they are named on the wire."""

from __future__ import annotations

from pathlib import Path

import msgpack
from helpers.exports import export

from caretaker.profiles.loader import ProfileChoice
from caretaker.swarm.profile_offer import ProfileOffer, offers


def test_an_offer_has_the_hashes_of_the_files_and_not_their_content(tmp_path: Path) -> None:
    export(tmp_path / "box.csv", 1234)
    (tmp_path / "box.toml").write_text('base = "box.csv"')
    offer = ProfileOffer.of(ProfileChoice.parse(f"{tmp_path / 'box.toml'}:3"))
    wire = msgpack.packb(offer.to_wire())
    assert len(wire) < 300
    read = ProfileOffer.from_wire(msgpack.unpackb(wire))
    assert read == offer
    assert [file.content for file in read.source.files] == [None, None]


def test_an_offer_says_how_large_the_profile_is(tmp_path: Path) -> None:
    path = export(tmp_path / "box.csv", 1234)
    offer = ProfileOffer.of(ProfileChoice.parse(str(path)))
    assert str(offer) == f"profile box.csv ({offer.parameters:,} parameters)"
    assert offer.parameters > 1234  # with those that every CPE has


def test_without_profiles_the_built_in_ones_are_offered() -> None:
    assert [(each.source.own.name, each.weight) for each in offers(())] == [
        ("tr181", 1),
        ("tr098", 1),
    ]

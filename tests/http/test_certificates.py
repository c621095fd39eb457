"""For whom a certificate is."""

from __future__ import annotations

import pytest

from caretaker.http.certificates import host_error

NAMES = {
    "subjectAltName": (("DNS", "Acs.lab"), ("DNS", "*.lab.test"), ("DNS", "127.0.0.1"),
                       ("IP Address", "10.0.0.1")),
}  # fmt: skip


@pytest.mark.parametrize("host", ["acs.lab", "ACS.lab.", "a.lab.test", "10.0.0.1"])
def test_it_is_for_the_hosts_that_it_names(host: str) -> None:
    assert host_error(NAMES, host) is None


@pytest.mark.parametrize(
    "host", ["lab", "lab.test", "a.b.lab.test", "10.0.0.2", "127.0.0.1", "127.0.0.1.", "10.0.0.1."]
)
def test_it_is_for_no_other_host(host: str) -> None:
    assert host_error(NAMES, host) is not None

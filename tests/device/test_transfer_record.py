"""A transfer as a record."""

from __future__ import annotations

from caretaker.cwmp import messages as m
from caretaker.device.transfer_record import Transfer

WINDOWS = (
    m.TimeWindowStruct(10, 20, "1 At Any Time", "", 0),
    m.TimeWindowStruct(30, 60, "1 At Any Time", "", 0),
)


def test_only_an_upload_is_no_download() -> None:
    upload = m.Upload("key", "1 Vendor Configuration File", "http://files/x")
    download = m.Download("key", "2 Web Content", "http://files/x")
    assert not Transfer(1, upload, 0.0).is_download
    assert Transfer(1, download, 0.0).is_download


def test_windows_count_from_the_request() -> None:
    request = m.ScheduleDownload("key", "2 Web Content", "http://files/x", time_window_list=WINDOWS)
    transfer = Transfer(1, request, 100.0)
    assert (transfer.time_window, transfer.closes) == (WINDOWS[0], 120.0)
    later = transfer._replace(window=1)
    assert (later.time_window, later.closes) == (WINDOWS[1], 160.0)


def test_without_windows_nothing_closes_later() -> None:
    transfer = Transfer(1, m.Download("key", "2 Web Content", "http://files/x"), 100.0)
    assert (transfer.time_window, transfer.closes) == (None, 100.0)

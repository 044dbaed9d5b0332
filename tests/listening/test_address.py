"""An address is shown with its host and path, and without what may be a password."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rattle.listening.address import OUT, masked, secrets_in, without_secrets


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://user:secret@camera:554/1", "rtsp://camera:554/1"),
        ("rtsp://us@er:sec@ret@camera/1", "rtsp://camera/1"),
        ("rtsp://user:sec/ret@camera/1", "rtsp://camera/1"),
        ("rtsp://user:sec?ret@camera/1", "rtsp://camera/1"),
        ("http://host/path@2?x=a@b", "http://host/path@2?..."),
        ("http://host?token=secret", "http://host?..."),
        ("http://host/1#secret", "http://host/1#..."),
        ("rtsp://[::1]:554/live@1", "rtsp://[::1]:554/live@1"),
        ("rtsp://h:554/user=a_password=secret_channel=1.sdp", "rtsp://h:554/user=..."),
        ("rtsp://host/live/ch=1", "rtsp://host/live/ch=..."),
        ("rtsp://host/live&pwd=secret", "rtsp://host/live&pwd..."),
        ("http://host/Token/secret/live", "http://host/Token..."),
        ("rtsp://host/keyence/monkey_1", "rtsp://host/keyence/monkey_1"),
        ("a@b.wav", "a@b.wav"),
        ("file:///recordings/a=b?.wav", "file:///recordings/a=b?.wav"),
        ("user:secret@camera/1", "camera/1"),
        ("/plant/user:secret@camera/1", "/plant/camera/1"),
    ],
)
def test_host_and_path_are_shown(url: str, shown: str) -> None:
    assert without_secrets(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://ann:{}@camera/1",
        "rtsp://camera/user=ann_password={}_channel=1.sdp",
        "rtsp://camera/user=ann&password={}&channel=1",
        "http://camera/1?token={}",
        "http://camera/1?user=ann&pwd={}&x=1",
        "http://camera/token/{}/live",
        "{}:{}@camera/1",
    ],
)
@given(password=st.text("ABCxyz0189.-~", min_size=8))
def test_a_password_is_not_shown_and_is_found_wherever_it_stands(url: str, password: str) -> None:
    address = url.format("ann", password) if url.startswith("{}") else url.format(password)
    assert password not in without_secrets(address)
    assert masked(f"<{password}>", secrets_in(address)) == f"<{OUT}>"

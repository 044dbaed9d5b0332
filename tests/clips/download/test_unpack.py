from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from rattle.clips.download.unpack import unpack
from rattle.errors import DownloadError


def make(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zip_:
        for name, content in members:
            zip_.writestr(name, content)
    return path


def refused(archive: Path, reason: str) -> None:
    folder = archive.parent / "out"
    with pytest.raises(DownloadError, match=reason) as error:
        unpack(archive, folder)
    assert str(archive) in str(error.value)
    assert not folder.exists()


def test_members_and_folders_come_out_as_they_went_in(tmp_path: Path) -> None:
    archive = make(tmp_path / "a.zip", ("fan/", b""), ("fan/train/a.wav", b"A"), ("b.wav", b"B"))
    unpack(archive, tmp_path / "out")
    assert (tmp_path / "out/fan/train/a.wav").read_bytes() == b"A"
    assert (tmp_path / "out/b.wav").read_bytes() == b"B"


@pytest.mark.parametrize(
    "name", ["../a", "b/../../a", "/etc/a", "C:/a", "c:a", "..\\a", "\\\\server\\a", ".."]
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    refused(make(tmp_path / "a.zip", ("good", b"1"), (name, b"2")), "absolute|leads out")


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    for kind in (stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR):
        member = zipfile.ZipInfo("fan")
        member.external_attr = (kind | 0o777) << 16
        refused(make(tmp_path / "a.zip", (member, b"/etc")), "link or a device")


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    archive = make(tmp_path / "a.zip", ("a", b"1"))
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    refused(archive, "encrypted")


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive = make(tmp_path / "a.zip", ("a", b"1"), ("a", b"2"))
    refused(archive, "a name twice")


def test_too_many_members_and_too_many_bytes_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = make(tmp_path / "a.zip", ("a", bytes(600)), ("b", bytes(600)))
    monkeypatch.setattr("rattle.clips.download.unpack.MAX_BYTES", 1199)
    refused(archive, "1200 bytes, at most 1199")
    monkeypatch.setattr("rattle.clips.download.unpack.MAX_MEMBERS", 1)
    refused(archive, "2 members, at most 1")


def test_a_full_disk_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = make(tmp_path / "a.zip", ("a", bytes(600)))
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 599})())
    refused(archive, "599 are free")


def test_a_member_larger_than_it_declares_is_refused(tmp_path: Path) -> None:
    archive = make(tmp_path / "a.zip", ("a", bytes(100_000)))
    content = bytearray(archive.read_bytes())
    at = content.index(b"PK\x01\x02") + 24
    content[at : at + 4] = (10).to_bytes(4, "little")
    archive.write_bytes(content)
    refused(archive, "cannot be unpacked")


@pytest.mark.parametrize("damage", ["text", "cut", "flipped"])
def test_a_damaged_archive_is_refused(tmp_path: Path, damage: str) -> None:
    archive = make(tmp_path / "a.zip", ("a", bytes(range(256)) * 100))
    content = bytearray(archive.read_bytes())
    if damage == "text":
        content = bytearray(b"not a zip")
    elif damage == "cut":
        content = content[: len(content) // 2]
    else:
        content[60] ^= 0xFF
    archive.write_bytes(content)
    refused(archive, "cannot be unpacked")

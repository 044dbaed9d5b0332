"""A manifest as a file of a run folder: read as written, or refused in one line."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rattle.clips.clip import RECORDING_FIELDS, Clip
from rattle.clips.machine import Machine
from rattle.clips.manifest import SCHEMA, Manifest
from rattle.errors import DataError

CLIP = Clip("/data/a.wav", "site", "press-3", "", "train", "normal", "", "", 1, 16000, 5, "0" * 64)
HEADER = ",".join(RECORDING_FIELDS)
ROW = f"/data/a.wav,site,press-3,,train,normal,,,1,16000,5,{'0' * 64}"

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@given(path=words, type_=words, id_=st.text("ab |,\"'\n;é"), attributes=st.text("=;,\"'\r\n\t #"))
def test_any_names_survive_being_written(
    path: str, type_: str, id_: str, attributes: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    clip = dataclasses.replace(
        CLIP, path=path, machine_type=type_, machine_id=id_, attributes=attributes
    )
    file = tmp_path_factory.getbasetemp() / "any.csv"
    Manifest.from_clips([clip]).write_csv(file)
    assert list(Manifest.read_csv(file)) == [clip]


def test_numbers_stay_numbers_and_digits_of_names_stay_names(tmp_path: Path) -> None:
    clip = dataclasses.replace(CLIP, machine_type="007", machine_id="1e5", content_hash="12" * 32)
    Manifest.from_clips([clip]).write_csv(tmp_path / "clips.csv")
    assert list(Manifest.read_csv(tmp_path / "clips.csv")) == [clip]


def test_no_clips_are_written_and_read_as_none(tmp_path: Path) -> None:
    Manifest.from_clips([]).write_csv(tmp_path / "clips.csv")
    assert Manifest.read_csv(tmp_path / "clips.csv").table.schema == SCHEMA


def test_a_folders_name_is_no_pattern(tmp_path: Path) -> None:
    for name in ("press [1]", "press *", "press ?"):
        (tmp_path / name).mkdir()
        Manifest.from_clips([dataclasses.replace(CLIP, machine_type=name)]).write_csv(
            tmp_path / name / "clips.csv"
        )
    for name in ("press [1]", "press *", "press ?"):
        read = Manifest.read_csv(tmp_path / name / "clips.csv")
        assert read.machines() == [Machine(name, "")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "empty"),
        (b"hello", "its columns are hello"),
        (bytes(range(256)) * 10, ""),
        (HEADER.encode("utf-16"), ""),
        (f"{HEADER}\n{ROW}\n".replace("/data", "/d\xe9").encode("latin-1"), ""),
        (f"path,machine,label\n{ROW}\n".encode(), ""),
        (f"{HEADER.replace('path', 'pfad')}\n{ROW}\n".encode(), "its columns are pfad"),
        (f"{HEADER}\n/data/a.wav,site\n".encode(), "a row without"),
        (f"{HEADER}\n{ROW},more\n".encode(), ""),
        (f'{HEADER}\n"{ROW}\n'.encode(), ""),
        (f"{HEADER}\n{ROW.replace('16000', 'fast')}\n".encode(), "fast"),
        (f"{HEADER}\n{ROW.replace('16000', '9' * 30)}\n".encode(), "999"),
        (f"{HEADER}\n{ROW.replace('16000', '')}\n".encode(), "a row without sample_rate_hz"),
        (f"{HEADER}\n{ROW.replace('normal', 'fine')}\n".encode(), "a label 'fine'"),
        (f"{HEADER}\n{ROW.replace('train', 'dev')}\n".encode(), "a split 'dev'"),
        (f"{HEADER}\n{ROW}\n{ROW[:-64]}\n".encode(), "a row without content_hash"),
    ],
)
def test_what_rattle_did_not_write_is_refused_with_the_reason(
    text: bytes, reason: str, tmp_path: Path
) -> None:
    file = tmp_path / "clips.csv"
    file.write_bytes(text)
    with pytest.raises(DataError, match=r"not a manifest that rattle wrote") as refused:
        Manifest.read_csv(file)
    said = str(refused.value)
    assert str(file) in said
    assert reason in said
    assert len(said.splitlines()) == 1


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    Manifest.from_clips([CLIP]).write_csv(tmp_path / "clips.csv")
    for path in (tmp_path, tmp_path / "none.csv", tmp_path / "clips.csv" / "below.csv"):
        with pytest.raises(DataError, match="say where the recordings are") as refused:
            Manifest.read_csv(path)
        assert refused.value.arguments == ("data",)

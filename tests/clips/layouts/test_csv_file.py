from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from rattle.clips.layouts import load_manifest, scan
from rattle.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("a.wav", "b.wav"):
        sf.write(tmp_path / name, rng.uniform(-0.1, 0.1, 1600), 16_000)
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "clips.csv"
    path.write_text(text)
    return path


def test_relative_and_absolute_paths_and_defaults(folder: Path) -> None:
    path = write(
        folder, f"path,machine,label\na.wav,press-3,normal\n{folder}/b.wav,fan/id_00,anomaly\n"
    )
    a, b = load_manifest(path)
    assert (a.machine_type, a.machine_id, a.split, a.label) == ("press-3", "", "train", "normal")
    assert (b.machine_type, b.machine_id, b.split, b.label) == ("fan", "id_00", "test", "anomaly")
    assert a.path == str(folder / "a.wav")
    assert {a.source_set, b.source_set} == {"site"}


def test_every_optional_column_is_taken_over(folder: Path) -> None:
    path = write(
        folder,
        "path,machine_type,machine_id,label,split,source_set,domain,attributes\n"
        "a.wav,fan,id_00,normal,test,mimii,target,speed=3\n",
    )
    (clip,) = load_manifest(path)
    assert (clip.split, clip.source_set, clip.domain, clip.attributes) == (
        "test",
        "mimii",
        "target",
        "speed=3",
    )


def test_a_written_manifest_reads_back_as_itself(folder: Path) -> None:
    manifest = load_manifest(write(folder, "path,machine,label\na.wav,fan/id_00,normal\n"))
    copy = folder / "copy.csv"
    manifest.write_csv(copy)
    assert load_manifest(copy).table.equals(manifest.table)


def test_a_file_that_is_not_there_does_not_stop_the_rest(folder: Path) -> None:
    found = scan(write(folder, "path,machine,label\na.wav,m,normal\nnone.wav,m,normal\n"))
    assert len(found.manifest) == 1
    assert [s.path.name for s in found.unreadable] == ["none.wav"]


@pytest.mark.parametrize(
    ("text", "row", "column"),
    [
        ("path,machine,label\na.wav,m,fine\n", 2, "label"),
        ("path,machine,label,split\na.wav,m,normal,train\nb.wav,m,normal,dev\n", 3, "split"),
        ("path,machine,label,domain\na.wav,m,normal,home\n", 2, "domain"),
        ("path,machine,label\na.wav,,normal\n", 2, "machine"),
        ("path,machine,label\na.wav,a/b/c,normal\n", 2, "machine"),
        ("path,machine_type,machine_id,label\na.wav,,id_00,normal\n", 2, "machine_type"),
        ("path,machine,label\n,m,normal\n", 2, "path"),
        ("path,machine,label\na.wav,m,normal\n./a.wav,m,normal\n", 3, "path"),
        ("path,machine\na.wav,m\n", 1, "label"),
        ("path:machine:label\na.wav:m:normal\n", 1, "label"),
        (
            'path,machine,label,attributes\na.wav,m,normal,"two\nlines"\n\nb.wav,m,odd,\n',
            5,
            "label",
        ),
        ("\n\npath,machine,label\na.wav,m,normal\n\nb.wav,m,odd\n", 6, "label"),
        ("path,label,machine_type\na.wav,normal,m\n", 1, "machine_id"),
        ("path,machine,label,label\na.wav,m,normal,normal\n", 1, "label"),
    ],
)
def test_what_is_wrong_is_named_by_row_and_column(
    folder: Path, text: str, row: int, column: str
) -> None:
    with pytest.raises(DataError, match=rf"row {row}\b.*{column}"):
        scan(write(folder, text))


@pytest.mark.parametrize("row", ["a.wav,m", "a.wav,m,normal,more"])
def test_a_row_of_another_length_is_an_error(folder: Path, row: str) -> None:
    with pytest.raises(DataError, match=r"row 2: \d cells, the header has 3"):
        scan(write(folder, f"path,machine,label\n{row}\n"))


def test_an_empty_list_and_a_binary_file_are_errors(folder: Path) -> None:
    with pytest.raises(DataError, match="lists no clips"):
        load_manifest(write(folder, "path,machine,label\n"))
    with pytest.raises(DataError, match="an empty header"):
        load_manifest(write(folder, ""))
    for data, reason in ((b"path\0\0,machine", "no text"), (b"path\na\xff", "row 2: not UTF-8")):
        (folder / "clips.csv").write_bytes(data)
        with pytest.raises(DataError, match=reason):
            load_manifest(folder / "clips.csv")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_spreadsheets_save_it_in_many_ways(
    folder: Path, separator: str, encoding: str, newline: str
) -> None:
    rows = ["Path,Machine,LABEL,", "a.wav,Säge 3,Good,", "b.wav,Säge 3,NG,", ",,,"]
    text = newline.join(row.replace(",", separator) for row in rows)
    (folder / "clips.csv").write_bytes(text.encode(encoding))
    clips = load_manifest(folder / "clips.csv")
    assert [(c.machine_type, c.split, c.label) for c in clips] == [
        ("Säge 3", "train", "normal"),
        ("Säge 3", "test", "anomaly"),
    ]


@pytest.mark.parametrize(
    ("word", "label"),
    [
        *(("0", "normal"), ("1", "anomaly"), ("OK", "normal"), ("healthy", "normal")),
        *(("not ok", "anomaly"), ("Faulty", "anomaly"), ("unlabelled", "unknown")),
    ],
)
def test_labels_are_words_that_people_use(folder: Path, word: str, label: str) -> None:
    (clip,) = load_manifest(write(folder, f"path,machine,label\na.wav,m,{word}\n"))
    assert clip.label == label


def test_validation_is_a_split(folder: Path) -> None:
    (clip,) = load_manifest(write(folder, "path,machine,label,split\na.wav,m,ok,Val\n"))
    assert clip.split == "validation"


def test_backslashes_are_slashes_unless_a_file_has_them(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "a.wav").rename(folder / "deep" / "a.wav")
    (folder / "b.wav").rename(folder / "odd\\b.wav")
    path = write(folder, "path,machine,label\ndeep\\a.wav,m,ok\nodd\\b.wav,m,ok\n")
    assert {Path(clip.path).name for clip in load_manifest(path)} == {"a.wav", "odd\\b.wav"}


def test_columns_that_mean_nothing_are_named(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(folder, "path,machine,label,Colour\na.wav,m,ok,red\n")
    with caplog.at_level(logging.WARNING):
        assert len(load_manifest(path)) == 1
    assert "mean nothing here: 'Colour'" in caplog.text


def test_machines_equal_up_to_unicode_form_are_one(folder: Path) -> None:
    path = write(folder, "path,machine,label\na.wav,S\u00e4ge,ok\nb.wav,Sa\u0308ge,ok\n")
    assert [str(machine) for machine in load_manifest(path).machines()] == ["S\u00e4ge"]

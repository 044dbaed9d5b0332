"""What a plant's file names is tried before anything starts."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from made_up_plant_file import ENVIRONMENT, RIGHT, plant_of

from here import needs_ffmpeg
from rattle.bundle import read_bundle, write_bundle
from rattle.station.config import check_places, check_sources, texts
from rattle.station.config.check import check
from rattle.station.config.finding import Finding
from rattle.station.config.model import Plant

MACHINE = """\
[[machine]]
name = "{name}"
bundle = "{bundle}"
sources = [{sources}]
"""


@pytest.fixture
def folder(tmp_path: Path, exported_file: Path) -> Path:
    """A folder with a bundle of synth_fan/id_00, and with a folder for recordings."""
    (tmp_path / "bundles").mkdir()
    (tmp_path / "bundles" / "press-3.rattle").write_bytes(exported_file.read_bytes())
    (tmp_path / "incoming").mkdir()
    return tmp_path


def plant(
    folder: Path,
    *sources: str,
    name: str = "synth fan id 00",
    text: str = RIGHT,
    **changes: str,
) -> Plant:
    listed = ", ".join(sources or ['{ name = "in", folder = "incoming" }'])
    of_machine = {"name": f'name = "{name}"', "sources": f"sources = [{listed}]"}
    return plant_of(folder, text, **of_machine | changes)


def findings(plant: Plant, key: str) -> list[Finding]:
    """Check, and give what is found of that key; nothing may be wrong with any other."""
    found = check(plant)
    assert {each.key for each in found} <= {key}
    return found


def test_a_plant_that_is_right_has_no_finding_and_nothing_is_left_behind(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    assert check(plant(folder)) == []
    assert sorted(folder.rglob("*")) == [*before, folder / "plant.toml"]


def test_a_bundle_that_is_missing_damaged_or_without_a_graph_is_an_error(
    folder: Path, bundle_file: Path
) -> None:
    bundle = folder / "bundles" / "press-3.rattle"
    bundle.write_bytes(bundle_file.read_bytes())
    (found,) = findings(plant(folder), "machine[0].bundle")
    assert (found.level, found.argument) == ("error", "graph")
    bundle.write_bytes(b"no zip")
    (found,) = findings(plant(folder), "machine[0].bundle")
    assert "is not a whole rattle bundle" in found.message
    bundle.unlink()
    (found,) = findings(plant(folder), "machine[0].bundle")
    assert (found.level, found.argument) == ("error", "bundle")
    assert f"there is no bundle {bundle}" in found.message


def test_a_bundle_of_a_baseline_is_an_error(folder: Path, bundle_file: Path) -> None:
    import numpy as np

    whole = read_bundle(bundle_file)
    recipe = whole.info.recipe.for_method("knn")
    parts = [part.model_copy(update={"gap": None, "distance": 1.0}) for part in whole.info.held_out]
    info = whole.info.model_copy(
        update={"recipe": recipe, "held_out": tuple(parts), "cross_fitted": ()}
    )
    baseline = type(whole)(info, {"baseline": {"x": np.zeros(1)}}, whole.golden)
    write_bundle(baseline, folder / "bundles" / "press-3.rattle")
    (found,) = findings(plant(folder), "machine[0].bundle")
    assert found.level == "error"
    assert "is of a baseline (knn)" in found.message


def test_a_bundle_of_another_machine_is_a_warning(folder: Path) -> None:
    (found,) = findings(plant(folder, name="press-3"), "machine[0].bundle")
    assert found.level == "warning"
    assert "was trained on synth_fan/id_00, the machine here is called press-3" in found.message


@pytest.mark.parametrize("running", ["always", "by tag", "by level"])
def test_a_level_that_is_not_looked_at_is_a_warning(running: str, folder: Path) -> None:
    text = RIGHT + f'running = "{running}"\nrunning_above_dbfs = -45.0\n'
    found = findings(plant(folder, text=text), "machine[0].running_above_dbfs")
    assert [each.level for each in found] == ([] if running == "by level" else ["warning"])
    assert all(f'where running is "{running}"' in each.message for each in found)


def test_a_folder_that_is_missing_or_a_file_is_an_error(folder: Path) -> None:
    (folder / "file").touch()
    sources = ['{ name = "a", folder = "nowhere" }', '{ name = "b", folder = "file" }']
    missing, file = check(plant(folder, *sources))
    assert (missing.key, file.key) == (
        "machine[0].sources[0].folder",
        "machine[0].sources[1].folder",
    )
    assert missing.message == f"there is no folder {folder / 'nowhere'}; make it, or give another"
    assert "is a file" in file.message
    assert {missing.level, file.level} == {"error"}


@needs_ffmpeg
def test_two_sources_of_one_place_are_a_warning_that_names_the_first(folder: Path) -> None:
    found = check(
        plant(
            folder,
            '{ name = "a", url = "env:PRESS3_URL" }',
            '{ name = "b", folder = "incoming" }',
            '{ name = "c", url = "env:PRESS3_URL" }',
            f'{{ name = "d", folder = "../{folder.name}/incoming" }}',
            '{ name = "e", push = { token = "one" } }',
            '{ name = "f", push = { token = "one" } }',
        )
    )
    assert [(each.level, each.key) for each in found] == [
        ("warning", "machine[0].sources[2].url"),
        ("warning", "machine[0].sources[3].folder"),
    ]
    assert "is the same as machine[0].sources[0].url" in found[0].message
    assert ENVIRONMENT["PRESS3_URL"] not in str(found)


@needs_ffmpeg
def test_a_url_that_is_no_file_is_an_error_and_is_not_told(folder: Path) -> None:
    first, second = check(
        plant(
            folder,
            '{ name = "a", url = "user:s3cret@cam" }',
            '{ name = "b", url = "-i s3cret" }',
        )
    )
    assert "there is no such file" in first.message
    assert "begins with a dash" in second.message
    assert "s3cret" not in str([first, second])


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("rtps://ann:s3cret@x/1", "what ffmpeg knows: ftp://, http://"),
        ("RTSP://x/1", "what ffmpeg knows: ftp://, http://"),
        ("rtsp://", "names no host; expected rtsp://HOST/PATH"),
        ("http://ann:s3cret@/x", "names no host; expected http://HOST/PATH"),
        ("rtsp://:554/1", "names no host; expected rtsp://HOST/PATH"),
        ("rtsps://x:322/1?a=b", ""),
        ("rtsp://ann:s3/cret@x/1", ""),
        ("udp://@:1234", ""),
        ("udp://239.0.0.1:1234", ""),
    ],
)
@needs_ffmpeg
def test_an_address_that_ffmpeg_cannot_read_is_an_error(url: str, said: str, folder: Path) -> None:
    source = f'{{ name = "a", url = "{url}" }}'
    found = findings(plant(folder, source), "machine[0].sources[0].url")
    assert [said in each.message for each in found] == ([True] if said else [])
    assert "s3" not in str(found)


def test_ffmpeg_that_is_missing_is_told_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_sources, "program_path", lambda: None)
    sources = [f'{{ name = "{name}", url = "rtsp://cam/{name}" }}' for name in "ab"]
    (found,) = findings(plant(folder, *sources), "machine[0].sources[0].url")
    assert "ffmpeg, which reads URLs, is not installed" in found.message


def test_a_device_that_is_not_there_is_an_error(folder: Path) -> None:
    (found,) = findings(
        plant(folder, '{ name = "a", device = "no such card" }'), "machine[0].sources[0].device"
    )
    assert found.level == "error"
    assert "no such card" in found.message or "PortAudio" in found.message


def test_a_sound_card_without_portaudio_is_told_with_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise check_sources.SourceError("PortAudio library not found; install it (apt), or let x")

    monkeypatch.setattr(check_sources, "load_portaudio", missing)
    (found,) = findings(
        plant(folder, '{ name = "a", device = "" }'), "machine[0].sources[0].device"
    )
    assert found.message == (
        "PortAudio library not found; install PortAudio (apt install libportaudio2)"
    )


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_port_that_is_taken_is_a_warning(folder: Path, taken_port: int) -> None:
    (found,) = findings(plant(folder, bind=f'bind = "127.0.0.1:{taken_port}"'), "web.bind")
    assert found.level == "warning"
    assert f"port {taken_port} is taken" in found.message


def test_an_address_that_is_not_this_machines_is_an_error(folder: Path) -> None:
    other, error = findings(plant(folder, bind='bind = "192.0.2.1:8765"'), "web.bind")
    assert (other.level, other.argument) == ("warning", "account")
    assert error.level == "error"
    assert "192.0.2.1:8765 cannot be had" in error.message


def test_a_host_that_nobody_knows_is_an_error(folder: Path) -> None:
    other, error = findings(plant(folder, bind='bind = "999.1.1.1:8765"'), "web.bind")
    assert (other.level, error.level) == ("warning", "error")
    assert "999.1.1.1:8765 cannot be had (" in error.message


def test_an_address_that_others_reach_needs_an_account(folder: Path) -> None:
    line = 'bind = "127.0.0.1:0"\naddress = "https://rattle.plant.example:8443"'
    (found,) = findings(plant(folder, bind=line), "web.address")
    assert (found.level, found.argument) == ("warning", "account")
    assert "rattle.plant.example is reached by other machines" in found.message


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),  # noqa: S104
        ("::", False),
        ("192.168.0.4", False),
        ("rattle.plant.example", False),
    ],
)
def test_which_addresses_other_machines_reach(host: str, expected: bool) -> None:
    assert texts.is_loopback(host) is expected


def test_a_data_folder_that_is_a_file_is_an_error(folder: Path) -> None:
    (folder / "file").touch()
    text = 'data = "file/below"\n' + RIGHT
    (found,) = findings(plant(folder, text=text), "data")
    assert found.level == "error"
    assert f"{folder / 'file'} cannot be written to (it is a file)" in found.message


def test_a_data_folder_that_cannot_be_written_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**_: object) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied", "x")

    monkeypatch.setattr(check_places.tempfile, "TemporaryFile", refused)
    (found,) = findings(plant(folder), "data")
    assert found.message == (
        f"{folder} cannot be written to (Permission denied); choose another folder, or let this "
        "user write"
    )


def test_more_clips_than_the_disk_has_room_for_are_a_warning(folder: Path) -> None:
    (found,) = findings(plant(folder, clips='clips = "900000 TB"'), "keep.clips")
    assert found.level == "warning"
    assert "900000.0 TB are more than the disk of" in found.message


def test_what_is_kept_already_counts_as_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "rattle-station").mkdir()
    (folder / "rattle-station" / "clip.flac").write_bytes(bytes(2_000_000))
    usage = type("Usage", (), {"free": 0})
    monkeypatch.setattr(check_places.shutil, "disk_usage", lambda _: usage)
    assert check(plant(folder)) == []
    assert len(findings(plant(folder, clips='clips = "3 MB"'), "keep.clips")) == 1


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:pa@ss@127.0.0.1:1/db",
        "postgresql://me:pa/ss@127.0.0.1:1/db",
        "postgresql://me:pass@127.0.0.1:port/db",
    ],
)
def test_a_database_whose_address_cannot_be_read_is_told_without_its_password(
    url: str, folder: Path
) -> None:
    text = f'database = "{url}"\n' + RIGHT
    (found,) = findings(plant(folder, text=text), "database")
    assert found.level == "error"
    assert "is no address of a database" in found.message
    assert "ss" not in found.message.replace("password", "").replace("address", "")


def test_a_database_that_does_not_answer_is_told_without_its_password(folder: Path) -> None:
    text = 'database = "postgresql://me:s3cret@127.0.0.1:1/db"\n' + RIGHT
    (found,) = findings(plant(folder, text=text), "database")
    assert found.level == "error"
    assert "cannot be reached" in found.message
    assert "refused" in found.message
    assert "s3cret" not in found.message


def test_every_machine_is_checked(folder: Path) -> None:
    more = "".join(
        MACHINE.format(name=name, bundle="no.rattle", sources=f'{{ name = "{name}", device = "" }}')
        for name in "ab"
    )
    found = check(plant_of(folder, RIGHT + more))
    bundles = [each.key for each in found if each.key.endswith("bundle")]
    assert bundles == ["machine[0].bundle", "machine[1].bundle", "machine[2].bundle"]

from __future__ import annotations

import hashlib
import io
import re
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from rattle.clips.download.archives import ARCHIVES, MACHINE_TYPES, PARTS, Archive
from rattle.clips.download.dcase2020 import download_dcase2020
from rattle.clips.download.transfer import fetch
from rattle.clips.layouts import scan
from rattle.clips.machine import Machine
from rattle.errors import DownloadError

DATA = np.random.default_rng(0).bytes(3_000_000)


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@dataclass
class Server:
    """Serves ``files`` by path; what it was asked for is in ``requests`` as path and range."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    has_ranges: bool = True
    cut_after: list[int] = field(default_factory=list)  # body bytes, an answer each
    statuses: list[int] = field(default_factory=list)  # to refuse with, an answer each


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            range_ = self.headers.get("Range")
            state.requests.append((path, range_))
            content = state.files.get(path)
            if state.statuses:
                self.send_error(state.statuses.pop(0))
                return
            if content is None or query not in ("", "download=1"):
                self.send_error(404)
                return
            start = 0
            if range_ and state.has_ranges:
                start = int(re.fullmatch(r"bytes=(\d+)-", range_)[1])
                if start >= len(content):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(content)}")
                    self.end_headers()
                    return
                self.send_response(206)
                end = len(content) - 1
                self.send_header("Content-Range", f"bytes {start}-{end}/{len(content)}")
            else:
                self.send_response(200)
            body = content[start:]
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: state.cut_after.pop(0)] if state.cut_after else body)

        def log_message(self, *args: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{httpd.server_port}"
    yield state
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def ranges(server: Server) -> list[str | None]:
    return [range_ for _, range_ in server.requests]


def fetch_data(server: Server, to: Path, **options: object) -> None:
    server.files["/f"] = DATA
    fetch(f"{server.url}/f", to, **{"md5": md5(DATA), "pause_s": 0.0, **options})


def test_a_file_arrives_whole_and_progress_ends_at_its_length(
    server: Server, tmp_path: Path
) -> None:
    seen: list[tuple[int, int | None]] = []
    fetch_data(server, tmp_path / "f", progress=lambda have, total: seen.append((have, total)))
    assert (tmp_path / "f").read_bytes() == DATA
    assert seen[0] == (0, len(DATA))
    assert seen[-1] == (len(DATA), len(DATA))
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_a_dropped_connection_goes_on_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.cut_after = [1_000_000, 500_000]
    fetch_data(server, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    starts = [int(r[6:-1]) for r in ranges(server) if r]
    assert ranges(server)[0] is None
    assert len(starts) == 2
    assert 0 < starts[0] < starts[1] <= 1_500_000


def test_a_later_run_goes_on_from_the_partial_file(server: Server, tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(DATA[:1_234_567])
    fetch_data(server, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    assert ranges(server) == ["bytes=1234567-"]


def test_a_server_without_ranges_starts_anew(server: Server, tmp_path: Path) -> None:
    server.has_ranges = False
    (tmp_path / "f.part").write_bytes(b"something else" * 1000)
    fetch_data(server, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA


@pytest.mark.parametrize("extra", [b"", b"too long"])
def test_a_partial_file_that_is_whole_or_too_long_ends_well(
    server: Server, tmp_path: Path, extra: bytes
) -> None:
    (tmp_path / "f.part").write_bytes(DATA + extra)
    fetch_data(server, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA


def test_a_connection_that_stays_down_keeps_what_came(server: Server, tmp_path: Path) -> None:
    server.cut_after = [1_000_000] + [0] * 10
    with pytest.raises(DownloadError, match="run the command again"):
        fetch_data(server, tmp_path / "f")
    part = (tmp_path / "f.part").read_bytes()
    assert 0 < len(part) <= 1_000_000
    assert DATA.startswith(part)
    assert not (tmp_path / "f").exists()


def test_a_busy_server_is_asked_again_and_a_refusal_is_not(server: Server, tmp_path: Path) -> None:
    server.statuses = [503, 429]
    fetch_data(server, tmp_path / "f")
    assert len(server.requests) == 3
    server.requests.clear()
    with pytest.raises(DownloadError, match="404"):
        fetch(f"{server.url}/none", tmp_path / "none", md5=None)
    assert len(server.requests) == 1


def test_a_wrong_md5_leaves_no_file(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=f"{md5(DATA)} found, {'0' * 32} expected"):
        fetch_data(server, tmp_path / "f", md5="0" * 32)
    assert list(tmp_path.iterdir()) == []


def clip_bytes(seed: int) -> bytes:
    file = io.BytesIO()
    samples = np.random.default_rng(seed).uniform(-0.1, 0.1, 1600)
    sf.write(file, samples, 16_000, format="WAV")
    return file.getvalue()


def zip_bytes(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zip_:
        for name, content in members.items():
            zip_.writestr(name, content)
    return file.getvalue()


@pytest.fixture
def mirror(server: Server) -> dict[tuple[str, str], Archive]:
    """Small archives of fan and slider in the published layout, and the label list."""
    archives = {}
    for seed, type_ in enumerate(("fan", "slider")):
        contents = {
            "dev": {
                f"{type_}/train/normal_id_00_00000000.wav": clip_bytes(10 * seed),
                f"{type_}/test/normal_id_00_00000000.wav": clip_bytes(10 * seed + 1),
                f"{type_}/test/anomaly_id_00_00000000.wav": clip_bytes(10 * seed + 2),
            },
            "eval_train": {f"{type_}/train/normal_id_01_00000000.wav": clip_bytes(10 * seed + 3)},
            "eval_test": {f"{type_}/test/id_01_00000000.wav": clip_bytes(10 * seed + 4)},
        }
        for part, members in contents.items():
            content = zip_bytes(members)
            published = ARCHIVES[part, type_]
            archives[part, type_] = replace(published, md5=md5(content))
            server.files[f"/records/{published.record}/files/{published.name}"] = content
    server.files["/records/3951620/files/eval_data_list.csv"] = (
        b"fan\nid_01_00000000.wav,anomaly_id_01_00000003.wav,1\n"
        b"slider\nid_01_00000000.wav,normal_id_01_00000004.wav,0\n"
    )
    return archives


def download(
    server: Server, mirror: dict[tuple[str, str], Archive], to: Path, **options: object
) -> list[Path]:
    defaults = {"machine_types": ("fan", "slider"), "pause_s": 0.0}
    return download_dcase2020(to, base_url=server.url, archives=mirror, **{**defaults, **options})


def test_the_published_list_names_eighteen_archives_of_six_machine_types() -> None:
    assert len(ARCHIVES) == 18
    assert MACHINE_TYPES == ("ToyCar", "ToyConveyor", "fan", "pump", "slider", "valve")
    assert len({archive.md5 for archive in ARCHIVES.values()}) == 18
    assert all(re.fullmatch("[0-9a-f]{32}", archive.md5) for archive in ARCHIVES.values())
    fan = ARCHIVES["eval_train", "fan"]
    assert (fan.record, fan.name) == (3727685, "eval_data_train_fan.zip")


def test_what_was_downloaded_is_what_scan_recognises(
    server: Server, mirror: dict[tuple[str, str], Archive], tmp_path: Path
) -> None:
    to = tmp_path / "data"
    new = download(server, mirror, to)
    assert len(new) == 8
    assert sorted(p.name for p in to.iterdir()) == ["dev_data", "eval_data", "eval_data_list.csv"]
    manifest = scan(to).manifest
    assert len(manifest) == 10
    assert len(manifest.of(Machine("fan", "id_00"))) == 3
    assert len(manifest.of(Machine("fan", "id_01"), split="test", label="anomaly")) == 1
    assert len(manifest.of(Machine("slider", "id_01"), split="test", label="normal")) == 1


def test_what_is_there_already_is_not_asked_for_again(
    server: Server, mirror: dict[tuple[str, str], Archive], tmp_path: Path
) -> None:
    download(server, mirror, tmp_path, machine_types=("fan",))
    server.requests.clear()
    assert download(server, mirror, tmp_path, machine_types=("fan",)) == []
    assert server.requests == []
    new = download(server, mirror, tmp_path, parts=("dev",))
    assert [p.relative_to(tmp_path).parts[:2] for p in new] == [("dev_data", "slider")] * 2


def test_a_run_that_stopped_between_two_folders_is_completed(
    server: Server, mirror: dict[tuple[str, str], Archive], tmp_path: Path
) -> None:
    download(server, mirror, tmp_path, parts=("dev",))
    kept = tmp_path / "dev_data/fan/train"
    moved = tmp_path / "dev_data/fan/test"
    moved.rename(tmp_path / "moved")
    (kept / "mine.txt").write_text("left alone")
    assert download(server, mirror, tmp_path, parts=("dev",)) == [moved]
    assert len(list(moved.iterdir())) == 2
    assert (kept / "mine.txt").exists()


def test_an_archive_placed_by_hand_is_used(
    server: Server, mirror: dict[tuple[str, str], Archive], tmp_path: Path
) -> None:
    archive = mirror["dev", "fan"]
    content = server.files[f"/records/{archive.record}/files/{archive.name}"]
    (tmp_path / archive.name).write_bytes(content)
    new = download(server, mirror, tmp_path, machine_types=("fan",), parts=("dev",))
    assert len(new) == 2
    assert server.requests == []


@pytest.mark.parametrize(
    "member",
    ["../../evil.wav", "/tmp/evil.wav", "fan/../../evil.wav"],  # noqa: S108
)
def test_an_archive_that_leads_out_of_the_folder_unpacks_nothing(
    server: Server, mirror: dict[tuple[str, str], Archive], tmp_path: Path, member: str
) -> None:
    content = zip_bytes({"fan/train/normal_id_00_00000000.wav": clip_bytes(0), member: b"evil"})
    archive = replace(mirror["eval_train", "fan"], md5=md5(content))
    mirror["eval_train", "fan"] = archive
    server.files[f"/records/{archive.record}/files/{archive.name}"] = content
    to = tmp_path / "a" / "b"
    with pytest.raises(DownloadError, match=r"evil\.wav.*not unpacked"):
        download(server, mirror, to, machine_types=("fan",), parts=("eval_train",))
    assert not list(tmp_path.rglob("evil*"))
    assert not Path("/tmp/evil.wav").exists()  # noqa: S108
    assert not (to / "eval_data").exists()


def test_an_archive_of_another_layout_is_not_used(
    server: Server, mirror: dict[tuple[str, str], Archive], tmp_path: Path
) -> None:
    content = zip_bytes({"pump/train/normal_id_00_00000000.wav": clip_bytes(0)})
    archive = replace(mirror["eval_train", "fan"], md5=md5(content))
    mirror["eval_train", "fan"] = archive
    server.files[f"/records/{archive.record}/files/{archive.name}"] = content
    with pytest.raises(DownloadError, match="no folder fan/train"):
        download(server, mirror, tmp_path, machine_types=("fan",), parts=("eval_train",))
    assert not (tmp_path / "eval_data").exists()


def test_a_wrong_archive_is_not_unpacked(
    server: Server, mirror: dict[tuple[str, str], Archive], tmp_path: Path
) -> None:
    mirror["dev", "fan"] = replace(mirror["dev", "fan"], md5="0" * 32)
    with pytest.raises(DownloadError, match="expected"):
        download(server, mirror, tmp_path, machine_types=("fan",), parts=("dev",))
    assert list(tmp_path.iterdir()) == []


def test_unknown_names_are_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"no machine type drill; choose from ToyCar"):
        download_dcase2020(tmp_path, machine_types=("fan", "drill"))
    with pytest.raises(DownloadError, match=r"no part test; choose from dev"):
        download_dcase2020(tmp_path, parts=("test",))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DownloadError, match="cannot be written"):
        download_dcase2020(tmp_path / "file", parts=("dev",))


def test_the_command_hands_over_its_lists_and_prints_the_new_folders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rattle.cli.download import download as command

    asked: dict[str, object] = {}

    def fake(
        to: Path, *, machine_types: list[str], parts: list[str], progress: object
    ) -> list[Path]:
        asked.update(machine_types=machine_types, parts=parts)
        progress("a.zip", 5, 10)
        return [to / "dev_data" / "fan" / "train"]

    monkeypatch.setattr("rattle.clips.download.dcase2020.download_dcase2020", fake)
    assert command("dcase2020", to=tmp_path) == 0
    assert asked == {"machine_types": list(MACHINE_TYPES), "parts": list(PARTS)}
    assert command("dcase2020", to=tmp_path, machines="fan, slider", parts="dev") == 0
    assert asked == {"machine_types": ["fan", "slider"], "parts": ["dev"]}
    out = capsys.readouterr().out
    assert str(tmp_path / "dev_data/fan/train") in out
    assert "CC BY-NC-SA 4.0" in out

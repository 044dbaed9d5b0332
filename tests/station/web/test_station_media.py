"""Recordings and pictures of them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient
from made_up_station import RATE_HZ, MadeUpStation
from numpy.typing import NDArray
from PIL import Image
from sqlalchemy import update

from rattle.errors import ClipError
from rattle.station.store.tables import ClipRow
from rattle.station.web import media
from rattle.station.web.sound_picture import LOWEST_HZ, MOST_COLUMNS, ROWS, sound_picture


def test_a_recording_comes_whole_and_may_be_kept_for_ever(
    station: MadeUpStation, client: TestClient
) -> None:
    answer = client.get(f"/clips/{station.clips['fault']}.flac")
    assert answer.headers["content-type"] == "audio/flac"
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    samples, rate_hz = soundfile.read(io.BytesIO(answer.content))
    assert (len(samples), rate_hz) == (30 * RATE_HZ, RATE_HZ)


def test_a_player_gets_the_part_it_asks_for(station: MadeUpStation, client: TestClient) -> None:
    name = f"/clips/{station.clips['fault']}.flac"
    whole = client.get(name).content
    for asked, expected in (
        ("bytes=0-99", whole[:100]),
        ("bytes=1000-", whole[1000:]),
        ("bytes=-50", whole[-50:]),
    ):
        answer = client.get(name, headers={"range": asked})
        assert answer.status_code == 206
        assert answer.content == expected
        assert answer.headers["content-range"].endswith(f"/{len(whole)}")
    beyond = client.get(name, headers={"range": f"bytes={len(whole)}-"})
    assert beyond.status_code == 416


@pytest.mark.parametrize("kind", ["/clips/{}.flac", "/spectrograms/{}.png"])
@pytest.mark.parametrize(
    "name",
    ["0" * 64, "..%2f..%2fstation", "%2e%2e/%2e%2e/etc/passwd", "A" * 64, "a" * 63, "", "%00"],
)
def test_what_no_row_names_is_not_there(kind: str, name: str, client: TestClient) -> None:
    answer = client.get(kind.format(name))
    assert answer.status_code == 404
    assert b"SQLite" not in answer.content


def test_the_newest_normal_sound_of_a_source_comes_and_is_not_stored(
    station: MadeUpStation, client: TestClient
) -> None:
    name = f"/normal-sound/{station.sources['press cam']}.flac"
    answer = client.get(name)
    assert answer.headers["content-type"] == "audio/flac"
    assert answer.headers["cache-control"] == "private, no-store"
    samples, rate_hz = soundfile.read(io.BytesIO(answer.content))
    assert (len(samples), rate_hz) == (10 * RATE_HZ, RATE_HZ)
    part = client.get(name, headers={"range": "bytes=0-99"})
    assert (part.status_code, part.content) == (206, answer.content[:100])


@pytest.mark.parametrize("id_", ["0" * 26, "..%2fkept%2fx", "%2e%2e", "x", "", "%00"])
def test_of_a_source_without_normal_sound_none_comes(id_: str, client: TestClient) -> None:
    assert client.get(f"/normal-sound/{id_}.flac").status_code == 404


@pytest.mark.parametrize("path", ["../secret.flac", "clips/link.flac", "/etc/passwd", "gone.flac"])
def test_no_row_leads_out_of_the_data_folder(
    path: str, station: MadeUpStation, client: TestClient
) -> None:
    data = station.context.file.data
    (data.parent / "secret.flac").write_bytes(b"secret")
    (data / "clips" / "link.flac").symlink_to(data.parent / "secret.flac")
    sha256 = station.clips["fault"]
    with station.context.database.writing() as session:
        session.execute(update(ClipRow).where(ClipRow.sha256 == sha256).values(path=path))
    for name in (f"/clips/{sha256}.flac", f"/spectrograms/{sha256}.png"):
        answer = client.get(name)
        assert answer.status_code == 404
        assert b"secret" not in answer.content


def test_a_damaged_recording_has_no_picture_and_that_is_said(
    station: MadeUpStation, client: TestClient
) -> None:
    sha256 = station.clips["fault"]
    (station.context.file.data / f"clips/{sha256[:2]}/{sha256}.flac").write_bytes(b"fLaC nothing")
    answer = client.get(f"/spectrograms/{sha256}.png")
    assert answer.status_code == 404
    assert "damaged" in answer.json()["detail"]


def test_a_picture_is_drawn_once(
    station: MadeUpStation, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Path] = []

    def counted(path: Path) -> bytes:
        drawn.append(path)
        return sound_picture(path)

    monkeypatch.setattr(media, "sound_picture", counted)
    name = f"/spectrograms/{station.clips['fault']}.png"
    first, second = client.get(name), client.get(name)
    assert first.content == second.content
    assert first.headers["content-type"] == "image/png"
    assert len(drawn) == 1


def test_pictures_do_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def drawing(path: Path) -> bytes:
        asked.append(path.name)
        return b"x" * (media.PICTURES_BYTES // 4)

    monkeypatch.setattr(media, "sound_picture", drawing)
    pictures = media.Pictures()
    for name in ("a", "b", "c", "d", "a", "e", "a", "b"):
        pictures.of(name, tmp_path / name)
    assert asked == ["a", "b", "c", "d", "e", "b"], "the one not asked for longest goes"


def picture_of(samples: NDArray[np.float64], rate_hz: int, folder: Path) -> NDArray[np.float64]:
    path = folder / "clip.flac"
    soundfile.write(path, samples, rate_hz)
    return np.asarray(Image.open(io.BytesIO(sound_picture(path))).convert("L"), dtype=float)


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 48_000])
@pytest.mark.parametrize("hz", [100.0, 1000.0, 3000.0])
def test_a_tone_is_a_line_at_its_octave(rate_hz: int, hz: float, tmp_path: Path) -> None:
    at_s = np.arange(5 * rate_hz) / rate_hz
    tone = 0.3 * np.sin(2 * np.pi * hz * at_s)
    noise = 0.001 * np.random.default_rng(0).standard_normal(len(at_s))
    seen = picture_of(tone + noise, rate_hz, tmp_path)
    loudest = ROWS - 1 - seen.mean(axis=1).argmax()
    octaves = np.log2(rate_hz / 2 / LOWEST_HZ)
    shown_hz = LOWEST_HZ * 2 ** (octaves * (loudest + 0.5) / ROWS)
    assert shown_hz == pytest.approx(hz, rel=0.12)


def test_a_knock_is_seen_at_its_time(tmp_path: Path) -> None:
    samples = 0.001 * np.random.default_rng(0).standard_normal(60 * 8000)
    samples[45 * 8000 : 45 * 8000 + 40] = 0.9
    seen = picture_of(samples, 8000, tmp_path)
    assert seen.mean(axis=0).argmax() / seen.shape[1] == pytest.approx(0.75, abs=0.005)


def test_a_picture_has_bounds(tmp_path: Path) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(100 * 8000)
    noise[95 * 8000 :] = 0.99  # after the 90 s that are drawn
    seen = picture_of(noise, 8000, tmp_path)
    assert seen.shape == (ROWS, MOST_COLUMNS)
    assert seen[:, -10:].mean() == pytest.approx(seen[:, :10].mean(), rel=0.2)


@pytest.mark.parametrize("samples", [1, 100, 1023, 1024, 1025, 3000])
def test_the_shortest_recordings_have_one_too(samples: int, tmp_path: Path) -> None:
    seen = picture_of(0.1 * np.ones(samples), 8000, tmp_path)
    assert seen.shape[0] == ROWS
    assert seen.shape[1] >= 1


def test_silence_has_one(tmp_path: Path) -> None:
    assert picture_of(np.zeros(8000), 8000, tmp_path).shape[0] == ROWS


def test_what_is_no_recording_has_none(tmp_path: Path) -> None:
    path = tmp_path / "clip.flac"
    path.write_bytes(b"nothing")
    with pytest.raises(ClipError):
        sound_picture(path)

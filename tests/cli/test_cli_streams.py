"""``rattle score -`` and ``rattle listen``: a line a hop, from pipes, files and servers."""

from __future__ import annotations

import csv
import http.server
import io
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from here import needs_ffmpeg
from rattle import Manifest
from rattle.runtime import Scorer, Stream
from rattle.scoring.clip import ClipScore

RATE_HZ = 16000
# Of 2 s, one each second, in nine seconds of sound.
WINDOWS = 8
Sound = NDArray[np.float32]


@pytest.fixture(scope="session")
def sound(clips: Manifest) -> Sound:
    """Nine seconds of the bundle's machine, as 16-bit samples have it."""
    paths = list(clips.table["path"])[:3]
    return np.concatenate([sf.read(path, dtype="float32")[0] for path in paths])


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """What standard input holds."""

    def pipe(data: bytes) -> None:
        stream = io.BufferedReader(io.BytesIO(data))  # type: ignore[arg-type]
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stream))

    return pipe


def s16le(sound: Sound) -> bytes:
    return np.round(sound * 32768).astype("<i2").tobytes()


@settings(max_examples=10)
@given(cuts=st.lists(st.integers(0, 36 * RATE_HZ), max_size=50))
def test_a_stream_of_a_real_bundle_gives_the_timeline_of_the_recording(
    exported_file: Path, sound: Sound, cuts: list[int]
) -> None:
    scorer = Scorer.load(exported_file)
    long = np.tile(sound, 4)
    offline: ClipScore = scorer.score([long])[0]
    assert len(long) / RATE_HZ > scorer.recipe.scoring.long_clip_seconds
    stream = Stream(scorer)
    found = [score for chunk in np.split(long, sorted(cuts)) for score in stream.push(chunk)]
    # Offline there is one window more, which ends with the recording.
    assert len(found) == len(offline.windows) - 1
    for window, expected in zip(found, offline.windows, strict=False):
        assert window.start_s == expected.start_s
        assert window.score == pytest.approx(expected.score, abs=1e-4)
        assert window.distance == pytest.approx(expected.distance, abs=1e-4)


def test_samples_on_standard_input_are_a_line_a_window(
    rattle: Any, exported_file: Path, sound: Sound, piped: Callable[[bytes], None]
) -> None:
    scorer = Scorer.load(exported_file)
    expected = Stream(scorer).push(sound)
    piped(s16le(sound))
    code, out, err = rattle("score", exported_file, "-")
    assert code == 0
    heading, *lines = out.splitlines()
    assert heading.split() == ["time", "score", "p", "d", "decision"]
    assert len(lines) == len(expected) == WINDOWS
    for line, score in zip(lines, expected, strict=True):
        end, unit, number, _, _, decision = line.split()
        assert (float(end), unit) == (pytest.approx(score.end_s, abs=0.01), "s")
        assert float(number) == pytest.approx(score.score, rel=1e-3, abs=1e-4)
        assert decision == ("ANOMALOUS" if score.anomalous else "normal")
    assert "healthy clips cannot show" in err


def test_floats_of_another_rate_and_more_channels_are_heard_as_the_recipe_says(
    rattle: Any, exported_file: Path, sound: Sound, piped: Callable[[bytes], None]
) -> None:
    other = np.repeat(sound, 2)
    stereo = np.stack([other, np.zeros_like(other)], axis=1)
    piped(stereo.astype("<f4").tobytes())
    words = ["--encoding", "f32le", "--rate", 2 * RATE_HZ, "--channels", 2, "--json"]
    code, out, _ = rattle("score", exported_file, "-", *words)
    assert code == 0
    expected = Stream(Scorer.load(exported_file), sample_rate_hz=2 * RATE_HZ).push(other)
    scores = [json.loads(line)["score"] for line in out.splitlines()]
    assert scores == pytest.approx([score.score for score in expected], abs=1e-4)


def test_unfit_windows_are_told_in_every_form_and_not_scored(
    rattle: Any, exported_file: Path, sound: Sound, piped: Callable[[bytes], None]
) -> None:
    silenced = sound.copy()
    silenced[5 * RATE_HZ : 6 * RATE_HZ] = 0
    piped(s16le(silenced))
    code, out, _ = rattle("score", exported_file, "-")
    assert code == 1
    plain = out.splitlines()[1:]
    piped(s16le(silenced))
    rows = list(csv.DictReader(io.StringIO(rattle("score", exported_file, "-", "--csv").out)))
    piped(s16le(silenced))
    found = rattle("score", exported_file, "-", "--json").out.splitlines()
    objects = [json.loads(line) for line in found]
    assert len(plain) == len(rows) == len(objects)
    for line, row, told in zip(plain, rows, objects, strict=True):
        unfit = float(row["start_s"]) < 6 and float(row["end_s"]) >= 5.25
        assert ("not scored: silent" in line) == unfit
        assert (row["error"].startswith("silent"), row["score"] == "") == (unfit, unfit)
        assert (told["error"] is not None, told["score"] is None) == (unfit, unfit)
    assert any(row["error"] for row in rows)
    assert not all(row["error"] for row in rows)


def test_standard_input_shorter_than_a_window_is_an_error_that_says_so(
    rattle: Any, exported_file: Path, sound: Sound, piped: Callable[[bytes], None]
) -> None:
    piped(s16le(sound[:RATE_HZ]))
    code, _, err = rattle("score", exported_file, "-")
    assert code == 2
    assert "standard input: ended before there was a whole window, which takes 2.03 s" in err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["-", "other.wav"], "is scored alone"),
        (["-", "--scale", "paper"], "by the fixed scale"),
        (["-", "--rate", "3"], "--rate 3: expected 1000 to 768000"),
        (["-", "--channels", "0"], "--channels 0: expected 1 or more"),
    ],
)
def test_what_standard_input_cannot_be_is_refused(
    rattle: Any, exported_file: Path, words: list[str], reason: str
) -> None:
    code, _, err = rattle("score", exported_file, *words)
    assert code == 2
    assert reason in err


def test_an_option_that_there_is_not_is_no_path(
    exported_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from rattle.cli import main

    with pytest.raises(SystemExit) as ended:
        main(["score", str(exported_file), "clip.wav", "--cvs"])
    assert ended.value.code != 0
    assert "Unknown option: --cvs" in "".join(capsys.readouterr())


@pytest.mark.parametrize("words", [["score", "-"], ["listen", "--url", "x.wav"]])
def test_a_bundle_without_a_graph_says_how_to_get_one(
    rattle: Any, bundle_file: Path, words: list[str]
) -> None:
    code, _, err = rattle(words[0], bundle_file, *words[1:])
    assert code == 2
    assert f"{bundle_file} holds no graph; export it first (rattle export BUNDLE)" in err


@needs_ffmpeg
def test_a_file_is_listened_to_until_it_ends(
    rattle: Any, exported_file: Path, sound: Sound, tmp_path: Path
) -> None:
    sf.write(tmp_path / "shift.flac", sound, RATE_HZ)
    code, out, _ = rattle("listen", exported_file, "--url", tmp_path / "shift.flac", "--json")
    assert code == 0
    rows = [json.loads(line) for line in out.splitlines()]
    expected = Stream(Scorer.load(exported_file)).push(sound)
    assert [row["score"] for row in rows] == pytest.approx([e.score for e in expected], abs=1e-4)
    assert [row["end_s"] for row in rows] == pytest.approx([e.end_s for e in expected], abs=1e-3)
    assert "time" not in rows[0]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--url", "a.wav", "--device", "1"], "--device and --url exclude each other"),
        (["--url", "a.wav", "--alarm", "5/3"], "such as 3/5 (--alarm K/N)"),
        (["--url", "a.wav", "--budget", "0"], "0 false alarms a week are no budget"),
        (["--url", "no.wav"], "there is no file no.wav"),
        (["--url=-nostdin"], "begins with a dash"),
    ],
)
def test_what_cannot_be_listened_to_is_refused(
    rattle: Any, exported_file: Path, words: list[str], reason: str
) -> None:
    code, out, err = rattle("listen", exported_file, *words)
    assert (code, out) == (2, "")
    assert reason in err


class Server:
    """Serves a recording on this machine, a little at a time, and can be stopped and started."""

    def __init__(self, data: bytes) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self._handler = Handler
        self.port = 0
        self.start()

    def start(self) -> None:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), self._handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(sound: Sound, tmp_path: Path) -> Iterator[Server]:
    sf.write(tmp_path / "served.wav", sound, RATE_HZ)
    server = Server((tmp_path / "served.wav").read_bytes())
    yield server
    server.stop()


@pytest.fixture
def listening(exported_file: Path, server: Server) -> Iterator[subprocess.Popen[str]]:
    """``rattle listen`` to the server, in a process of its own."""
    code = "from rattle.cli import main; main()"
    url = f"http://127.0.0.1:{server.port}/"
    with subprocess.Popen(
        [sys.executable, "-c", code, "listen", str(exported_file), "--url", url, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


@needs_ffmpeg
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_lost_server_is_connected_again_until_a_signal_ends_it_cleanly(
    listening: subprocess.Popen[str], server: Server, number: signal.Signals
) -> None:
    assert listening.stdout is not None
    assert listening.stderr is not None
    first = [json.loads(listening.stdout.readline()) for _ in range(WINDOWS)]
    server.stop()
    said = ""
    while "Connection refused" not in said:
        said = listening.stderr.readline()
        assert said, "listening ended by itself"
    assert "connecting again in" in said
    server.start()
    again = [json.loads(listening.stdout.readline()) for _ in range(WINDOWS)]
    # A new window after the gap: the same sound from its start gives the same scores.
    assert [row["score"] for row in again] == [row["score"] for row in first]
    assert again[0]["start_s"] == 0
    assert again[0]["time"] > first[-1]["time"]
    listening.send_signal(number)
    out, err = listening.communicate(timeout=60)
    assert listening.returncode == 130
    assert err.splitlines()[-1] == "rattle: interrupted"
    assert "Traceback" not in out + err


@needs_ffmpeg
def test_a_url_is_read_once_where_that_is_asked(
    rattle: Any, exported_file: Path, server: Server
) -> None:
    url = f"http://127.0.0.1:{server.port}/"
    code, out, _ = rattle("listen", exported_file, "--url", url, "--once", "--json")
    assert code == 0
    assert len(out.splitlines()) == WINDOWS
    server.stop()
    code, out, err = rattle("listen", exported_file, "--url", url, "--once", "--json")
    assert (code, out) == (2, "")
    assert "Connection refused" in err
    server.start()


def test_scoring_a_pipe_loads_no_torch(exported_file: Path, sound: Sound) -> None:
    code = """
import sys
from rattle.cli import main
try:
    main()
except SystemExit as ended:
    assert ended.code == 0, ended.code
heavy = {"torch", "polars", "scipy", "sklearn", "matplotlib"} & set(sys.modules)
assert not heavy, heavy
"""
    ran = subprocess.run(
        [sys.executable, "-c", code, "score", str(exported_file), "-"],
        input=s16le(sound),
        capture_output=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    assert len(ran.stdout.splitlines()) == 1 + WINDOWS

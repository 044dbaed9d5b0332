"""A camera over RTSP, from a real server: it hangs, dies, has no sound, wants a password."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hearing_kit import Kit

from here import lacking
from rattle.station.config.model import Source
from rattle.station.hear.listener import Listener
from rattle.station.hear.sources import source_of

# The system's: GStreamer's modules are no part of a virtual environment.
PYTHON = "/usr/bin/python3"
NEEDS = "import gi; gi.require_version('GstRtspServer', '1.0')"
SOUND = "audiotestsrc wave=white-noise is-live=true ! audio/x-raw,rate=16000,channels=1"
L16 = f"{SOUND} ! audioconvert ! rtpL16pay name=pay0"
ALAW = f"{SOUND} ! audioresample ! audio/x-raw,rate=8000 ! alawenc ! rtppcmapay name=pay0"
PICTURE = "video/x-raw,format=I420,width=160,height=120,framerate=15/1"
VIDEO = f"videotestsrc is-live=true ! {PICTURE} ! jpegenc ! rtpjpegpay"
PATIENCE_S = 60.0


@pytest.fixture(scope="module", autouse=True)
def gstreamer() -> None:
    """Skip where the server's modules or ffmpeg are missing."""
    if shutil.which("ffmpeg") is None:
        lacking("ffmpeg is not installed here")
    asked = Path(PYTHON).exists() and subprocess.run([PYTHON, "-c", NEEDS], capture_output=True)
    if not asked or asked.returncode:
        lacking("GStreamer's RTSP server (gir1.2-gst-rtsp-server-1.0) is not installed here")


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextlib.contextmanager
def camera(port: int, pipeline: str, *account: str) -> Iterator[subprocess.Popen[str]]:
    """A server that is ready; killed at the end, whatever state it is in."""
    script = Path(__file__).with_name("rtsp_server.py")
    command = [PYTHON, str(script), str(port), pipeline, *account]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def listening(tmp_path: Path, url: str) -> Iterator[Kit]:
    source = source_of(Source.model_validate({"name": "camera", "url": url}), 0, tmp_path)
    kit = Kit()
    randomness = np.random.default_rng(0)
    listener = Listener(source, kit.ear, randomness=randomness, refused_wait_s=0.5)
    listener.start()
    try:
        yield kit
    finally:
        listener.stop()
        assert listener.join(10)


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


@pytest.mark.parametrize("pipeline", [L16, ALAW])
def test_sound_of_a_camera_is_scored(pipeline: str, port: int, tmp_path: Path) -> None:
    with camera(port, pipeline), listening(tmp_path, f"rtsp://127.0.0.1:{port}/sound") as kit:
        until(lambda: kit.now.score is not None)
        assert kit.now.state == "live"


def test_a_camera_with_a_picture_is_heard(port: int, tmp_path: Path) -> None:
    pipeline = f"{VIDEO} name=pay0 {L16.replace('pay0', 'pay1')}"
    with camera(port, pipeline), listening(tmp_path, f"rtsp://127.0.0.1:{port}/sound") as kit:
        until(lambda: kit.now.score is not None)


def test_a_camera_that_hangs_is_lost_and_heard_again_when_it_goes_on(
    port: int, tmp_path: Path
) -> None:
    url = f"rtsp://127.0.0.1:{port}/sound"
    with camera(port, L16) as server, listening(tmp_path, url) as kit:
        until(lambda: kit.now.score is not None)
        server.send_signal(signal.SIGSTOP)
        until(lambda: kit.now.state == "lost")
        assert kit.now.reason == "no sound for 10 s"
        server.send_signal(signal.SIGCONT)
        until(lambda: kit.now.state == "live" and kit.now.connections == 2)


def test_a_camera_that_dies_and_comes_again_is_heard_again(port: int, tmp_path: Path) -> None:
    with listening(tmp_path, f"rtsp://127.0.0.1:{port}/sound") as kit:
        until(lambda: kit.now.state == "lost")
        assert "refused" in kit.now.reason
        with camera(port, L16):
            until(lambda: kit.now.state == "live")
        until(lambda: kit.now.state == "lost")
        with camera(port, L16):
            until(lambda: kit.now.state == "live" and kit.now.connections == 2)


def test_a_camera_without_sound_says_so(port: int, tmp_path: Path) -> None:
    video = f"{VIDEO} name=pay0"
    with camera(port, video), listening(tmp_path, f"rtsp://127.0.0.1:{port}/sound") as kit:
        until(lambda: kit.now.state == "lost")
        assert "no sound in it" in kit.now.reason
        assert "switch the microphone on" in kit.now.reason


def test_a_wrong_password_is_said_and_not_shown_and_the_right_one_is_let_in(
    port: int, tmp_path: Path
) -> None:
    with camera(port, L16, "engineer", "hush"):
        with listening(tmp_path, f"rtsp://engineer:secret@127.0.0.1:{port}/sound") as kit:
            until(lambda: kit.now.state == "lost")
            assert "check user and password" in kit.now.reason
            assert "secret" not in kit.now.reason
        with listening(tmp_path, f"rtsp://engineer:hush@127.0.0.1:{port}/sound") as kit:
            until(lambda: kit.now.score is not None)

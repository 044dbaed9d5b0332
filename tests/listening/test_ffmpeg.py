"""ffmpeg as a source: its words, its ends, its losses."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from here import needs_ffmpeg
from rattle import SourceError
from rattle.listening.address import OUT
from rattle.listening.backlog import blocks_of
from rattle.listening.ffmpeg import Decoding, Ffmpeg, ffmpeg_command
from rattle.listening.source import SourceLostError, SourceRefusedError

SOUND = np.random.default_rng(0).normal(0, 0.1, (22050, 2)).astype(np.float32)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    sf.write(tmp_path / "a clip.flac", SOUND, 44100, subtype="PCM_24")
    return tmp_path / "a clip.flac"


@pytest.fixture
def served(recording: Path) -> Iterator[str]:
    """The recording's URL on a server of this machine."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if "/status/" in self.path:
                self.send_error(int(self.path.rpartition("/")[2]))
            else:
                super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    handler = partial(Quiet, directory=str(recording.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/a%20clip.flac"
        server.shutdown()
        thread.join()


@needs_ffmpeg
def test_a_file_gives_its_samples_at_its_own_rate(recording: Path) -> None:
    source = Ffmpeg(str(recording))
    assert not source.live
    blocks = list(blocks_of(source))
    assert {block.sample_rate_hz for block in blocks} == {44100}
    found = np.concatenate([block.samples for block in blocks])
    expected, _ = sf.read(recording, dtype="float32")
    np.testing.assert_array_equal(found, expected)


@needs_ffmpeg
def test_a_url_gives_what_the_server_has(served: str) -> None:
    source = Ffmpeg(served)
    assert source.live
    found = np.concatenate([block.samples for block in blocks_of(source)])
    assert found.shape == SOUND.shape


@needs_ffmpeg
def test_a_server_that_is_not_there_is_a_loss_that_says_why() -> None:
    with pytest.raises(SourceLostError, match="Connection refused") as lost:
        list(blocks_of(Ffmpeg("http://listener:secret@127.0.0.1:9/sound")))
    assert "secret" not in str(lost.value)


@needs_ffmpeg
def test_a_file_that_is_no_sound_is_refused_and_says_why(tmp_path: Path) -> None:
    noise = tmp_path / "cut.wav"
    noise.write_bytes(b"RIFF")
    with pytest.raises(SourceRefusedError) as refused:
        list(blocks_of(Ffmpeg(str(noise))))
    assert str(refused.value).startswith(f"{noise}: Invalid data found when processing input; it")


@pytest.fixture
def without_sound(recording: Path) -> Path:
    """A video without an audio track, beside the recording."""
    video = recording.parent / "video.ts"
    drawn = ["-f", "lavfi", "-i", "testsrc=duration=1:size=64x48"]
    subprocess.run(["ffmpeg", "-loglevel", "error", *drawn, "-f", "mpegts", str(video)], check=True)
    return video


@needs_ffmpeg
def test_a_video_without_sound_is_refused_as_such(without_sound: Path, served: str) -> None:
    for url in (str(without_sound), served.replace("a%20clip.flac", "video.ts")):
        with pytest.raises(SourceRefusedError) as refused:
            list(blocks_of(Ffmpeg(url)))
        assert str(refused.value).startswith(f"{url}: no sound in it, ffmpeg finds no audio track;")


@needs_ffmpeg
@pytest.mark.parametrize(
    ("path", "kind", "said"),
    [
        ("nothing.wav", SourceRefusedError, "404 Not Found; check the path"),
        ("status/401", SourceRefusedError, "401 Unauthorized.*; check user and password"),
        ("status/403", SourceRefusedError, "403 Forbidden.*; check user and password"),
        ("status/503", SourceLostError, "5XX Server Error"),
        ("status/429", SourceLostError, "4XX Client Error"),
    ],
)
def test_what_a_server_answers_is_told(served: str, path: str, kind: type, said: str) -> None:
    url = served.replace("a%20clip.flac", path).replace("://", "://listener:secret@")
    with pytest.raises(SourceLostError, match=said) as lost:
        list(blocks_of(Ffmpeg(url)))
    assert type(lost.value) is kind
    assert "secret" not in str(lost.value)


@needs_ffmpeg
def test_an_unknown_protocol_is_refused_and_an_unknown_host_is_tried_again() -> None:
    with pytest.raises(SourceRefusedError, match="Protocol not found; check how it begins"):
        list(blocks_of(Ffmpeg("smoke://signals")))
    with pytest.raises(SourceLostError, match="ffmpeg: Failed to resolve hostname") as lost:
        list(blocks_of(Ffmpeg("http://no-such-host.invalid/sound")))
    assert not isinstance(lost.value, SourceRefusedError)


def test_a_url_that_would_be_an_option_is_refused() -> None:
    with pytest.raises(SourceError, match=r"would be an option; give \./-version"):
        Ffmpeg("-version")


@pytest.mark.parametrize("url", ["missing.wav", "file:///missing.wav"])
def test_a_file_that_is_not_there_is_refused_at_once(url: str) -> None:
    with pytest.raises(SourceError, match="there is no file"):
        Ffmpeg(url)


def test_a_missing_ffmpeg_is_told_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SourceError, match=r"not installed; install it .* standard input") as told:
        Ffmpeg("rtsp://camera/1")
    assert told.value.arguments == ("piped",)


@needs_ffmpeg
def test_the_url_is_one_argument_whatever_it_holds() -> None:
    odd = "http://host/$(touch here) ; -y ' \""
    command = ffmpeg_command(odd)
    assert command[command.index("-i") + 1] == odd
    assert "-nostdin" in command
    assert "-rtsp_transport" not in command
    assert "-rtsp_transport" in ffmpeg_command("rtsp://camera/1")


def test_a_file_may_be_read_as_slowly_as_it_sounds() -> None:
    assert "-re" in ffmpeg_command("clip.wav", at_own_speed=True)
    assert "-re" not in ffmpeg_command("clip.wav")


CAMERA = "rtsp://ann:s3cret@127.0.0.1:9/user=admin_password=GEHEIM99_channel=1.sdp?token=hidden1"


@needs_ffmpeg
@pytest.mark.parametrize("url", [CAMERA, CAMERA.replace("rtsp", "http")])
def test_no_password_in_a_path_is_in_the_name_or_in_what_ffmpeg_says(url: str) -> None:
    source = Ffmpeg(url)
    with pytest.raises(SourceLostError) as lost:
        list(blocks_of(source))
    said = f"{source.name} {lost.value}"
    assert "127.0.0.1:9/user=..." in said
    assert [each for each in ("s3cret", "GEHEIM99", "hidden1") if each in said] == []


def test_what_ffmpeg_says_of_a_part_of_the_address_is_masked() -> None:
    connection = Ffmpeg(CAMERA).connect()
    assert connection._redact("at /x?p=GEHEIM99&hidden1") == f"at /x?p={OUT}&{OUT}"


def test_a_file_that_is_an_address_without_its_scheme_is_refused_without_its_password() -> None:
    with pytest.raises(SourceError, match="there is no file cam/1;"):
        Ffmpeg("ann:s3cret@cam/1")


def running(program: str) -> Decoding:
    """A Python program in ffmpeg's place."""
    return Decoding([sys.executable, "-c", program], lambda said: said, "program")


HEADER = """
import struct, sys, time
out = sys.stdout.buffer
fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 3, 1, 8000, 32000, 4, 32)
out.write(b"RIFF" + bytes(4) + b"WAVE" + fmt + b"data" + bytes([255] * 4))
"""


def test_a_process_that_breaks_off_is_a_loss_after_what_it_gave() -> None:
    decoding = running(HEADER + "out.write(bytes(4000)); sys.exit('worse and worse\\nthe end')")
    blocks = decoding.blocks()
    assert len(next(blocks).samples) > 0
    with pytest.raises(SourceLostError, match="ffmpeg: the end"):
        list(blocks)


def test_a_process_that_complains_without_end_is_not_held_up() -> None:
    program = HEADER + "sys.stderr.write('complaint\\n' * 100_000); out.write(bytes(4000))"
    assert sum(len(block.samples) for block in running(program).blocks()) == 1000


@pytest.mark.parametrize("begin", ["import time\n", HEADER])
def test_a_process_that_hangs_is_ended_by_closing(begin: str) -> None:
    decoding = running(begin + "sys.stdout.flush() if 'sys' in dir() else 0\ntime.sleep(600)")
    ended: list[int] = []
    thread = threading.Thread(target=lambda: ended.append(len(list(decoding.blocks()))))
    thread.start()
    while decoding._process is None:
        time.sleep(0.01)
    decoding.close()
    thread.join(timeout=30)
    assert ended == [0]
    assert decoding._process.returncode is not None


def test_a_process_dies_with_the_one_who_stops_listening() -> None:
    decoding = running(HEADER + "\nwhile True: out.write(bytes(4000))")
    blocks = decoding.blocks()
    next(blocks)
    assert decoding._process is not None
    pid = decoding._process.pid
    blocks.close()  # type: ignore[attr-defined]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)

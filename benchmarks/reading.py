"""How fast files become log-mels, what `rattle check` and a large manifest cost, and start-up.

`rattle` and what it is compared with see the same files in the same cache and take turns. Files
to log-mels run on one core; `check` and bare decoding with a thread for each core.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
import soundfile as sf
import torch
from threadpoolctl import threadpool_limits

from plain_reading import (
    bare_transform,
    librosa_log_mel,
    plain_decode,
    plain_log_mel,
    plain_moments,
    plain_read,
)
from ratio import Ratio, side_by_side
from rattle import Machine, Manifest, Recipe, export
from rattle.clips.amplitude import Amplitude, Moments
from rattle.clips.check import check
from rattle.clips.content import content_hash
from rattle.clips.layouts import load_manifest
from rattle.clips.reading import read_clip
from rattle.detector.finish import make
from rattle.detector.own import OwnJob
from rattle.features.front_end import FrontEnd
from rattle.recipe.parts import Audio, Features

CLIPS = 40
MANY = 20_000
UNIT = Amplitude(0.0, 1.0)
AUDIO, FEATURES = Audio(), Features()
# VmHWM and not ru_maxrss, which a new process may have from the one that started it.
PEAK_OF_A_MANIFEST = """
import sys
from pathlib import Path
from rattle.clips.layouts import load_manifest
clips = load_manifest(Path(sys.argv[1]))
status = Path("/proc/self/status").read_text()
print(len(clips), status.partition("VmHWM:")[2].split()[0])
"""


def measure(data: Path) -> Iterator[Ratio]:
    """Every ratio of reading; ``data`` holds FLAC files, which are also measured as WAV."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {"WAV": as_wav(data, folder / "wav" / "fan"), "FLAC": some_clips(data)}
        for kind, paths in files.items():
            yield from _to_log_mels(kind, paths)
        for kind, root in (("WAV", folder / "wav"), ("FLAC", data / "fan")):
            yield _checking(kind, root)
        yield _manifest_memory(folder / "many")
        yield _cold_start(data, folder)


def profile(data: Path) -> str:
    """Where the time of a 10 s clip goes, beside a plain version of each step."""
    front_end = FrontEnd(AUDIO, FEATURES)
    with tempfile.TemporaryDirectory() as name, one_core():
        wav, flac = as_wav(data, Path(name) / "fan")[0], some_clips(data)[0]
        samples = read_clip(wav)
        steps: list[tuple[str, Callable[[], object] | None, Callable[[], object]]] = [
            ("content hash of a WAV", None, lambda: content_hash(wav)),
            ("reading a WAV", lambda: plain_read(wav), lambda: read_clip(wav)),
            ("reading a FLAC", lambda: plain_read(flac), lambda: read_clip(flac)),
            ("amplitude", lambda: plain_moments(samples), lambda: Moments.of(samples)),
            (
                "log-mel",
                lambda: plain_log_mel(samples, UNIT),
                lambda: front_end.log_mel(samples, UNIT),
            ),
            ("of it the bare transform", None, lambda: bare_transform(samples)),
        ]
        lines = ["| step | plain, ms | rattle, ms |", "|---|---:|---:|"]
        for step, plain, ours in steps:
            took = side_by_side({"plain": plain or ours, "ours": ours}, rounds=100, warm_up=5)
            before = f"{1000 * took['plain']:.2f}" if plain else ""
            lines.append(f"| {step} | {before} | {1000 * took['ours']:.2f} |")
    return "\n".join(
        ["A 10 s clip on one core, the file in the page cache; median of 100.", "", *lines]
    )


def _to_log_mels(kind: str, paths: list[Path]) -> Iterator[Ratio]:
    front_end = FrontEnd(AUDIO, FEATURES)
    ways = {
        "rattle": lambda path: front_end.log_mel(front_end.read(path), UNIT),
        "librosa": librosa_log_mel,
        "decoding": plain_decode,
        "bare": lambda path: bare_transform(plain_decode(path)),
    }
    with one_core():
        took = side_by_side({name: over(paths, way) for name, way in ways.items()}, rounds=9)
    ms = {name: 1000 * seconds / len(paths) for name, seconds in took.items()}
    detail = f"{ms['rattle']:.2f} and {ms['librosa']:.2f} ms a 10 s clip, one core"
    gain, most = ms["librosa"] / ms["rattle"], ms["librosa"] / ms["decoding"]
    if gain < 3:
        detail += (
            f"; limit: libsndfile's decoding alone takes {ms['decoding']:.2f} ms, and "
            f"librosa decodes with it too, so that {most:.1f} is the most there can be"
        )
    yield Ratio(f"{kind} files to log-mels, times librosa's rate", gain, 3, detail)
    yield Ratio(
        f"{kind} files to log-mels, of the rate of decoding and a bare FFT",
        ms["bare"] / ms["rattle"],
        0.6,
        f"{ms['rattle']:.2f} and {ms['bare']:.2f} ms a 10 s clip, one core",
    )


def _checking(kind: str, root: Path) -> Ratio:
    paths = sorted(path for path in root.rglob("*") if path.suffix in (".wav", ".flac"))
    threads = os.cpu_count() or 1
    recipe = Recipe.load("small")

    def decode_all() -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda path: len(plain_decode(path)), paths))

    took = side_by_side({"check": lambda: check(root, recipe), "bare": decode_all})
    rates = {name: len(paths) / seconds for name, seconds in took.items()}
    return Ratio(
        f"`rattle check` of {kind} files, of the rate of bare decoding",
        rates["check"] / rates["bare"],
        0.7,
        f"{rates['check']:.0f} and {rates['bare']:.0f} clips/s, {threads} threads",
    )


def _manifest_memory(folder: Path) -> Ratio:
    for number in range(MANY):
        path = folder / f"press-{number % 20}" / "normal" / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        sf.write(path, np.arange(64, dtype=np.int16) + number % 1000, AUDIO.sample_rate_hz)
    command = [sys.executable, "-c", PEAK_OF_A_MANIFEST, str(folder)]
    clips, peak_kib = subprocess.run(command, check=True, capture_output=True).stdout.split()
    assert int(clips) == MANY
    peak = int(peak_kib) / 2**20
    what = f"peak memory of a process that opens {MANY:,} files, libraries included"
    return Ratio(f"Manifest of {MANY:,} clips, GiB", peak, 2, what, at_most=True)


def _cold_start(data: Path, folder: Path) -> Ratio:
    bundle, clip = folder / "fan.rattle", some_clips(data)[0]
    with patch.dict(os.environ, RATTLE_STORE=str(folder / "store")):
        _write_bundle(load_manifest(data / "fan"), bundle)
    command = [sys.executable, "-c", "from rattle.cli import main; main()", "score", bundle, clip]

    def run() -> None:
        subprocess.run(command, check=True, capture_output=True)

    took = side_by_side({"cold": run})["cold"]
    what = "`rattle score` of one clip as a new process, torch not loaded, files in the page cache"
    return Ratio("Cold start to the first score, s", took, 1.5, what, at_most=True)


def _write_bundle(clips: Manifest, path: Path) -> None:
    """A bundle with a graph, after two iterations: the weights do not matter to the time."""
    recipe = Recipe.load("small").with_values(training={"iterations": 2})
    (detector,) = make(OwnJob(clips, Machine("fan", "id_00"), recipe))
    export(detector).save(path)


@contextmanager
def one_core() -> Iterator[None]:
    """The process on one core, where the system allows it, and each library on one thread."""
    threads, cores = torch.get_num_threads(), _cores()
    torch.set_num_threads(1)
    if cores:
        os.sched_setaffinity(0, {min(cores)})
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)
        if cores:
            os.sched_setaffinity(0, cores)


def _cores() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def over(paths: Iterable[Path], way: Callable[[Path], object]) -> Callable[[], None]:
    """All files one after another, each result dropped before the next."""

    def run() -> None:
        for path in paths:
            way(path)

    return run


def some_clips(data: Path) -> list[Path]:
    """The first recordings of one machine type."""
    return sorted((data / "fan").rglob("*.flac"))[:CLIPS]


def as_wav(data: Path, folder: Path) -> list[Path]:
    """The same recordings as 16-bit WAV, as DCASE publishes them, in the same layout."""
    written = []
    for path in some_clips(data):
        samples, rate_hz = sf.read(path, dtype="int16")
        copy = folder / path.parent.name / f"{path.stem}.wav"
        copy.parent.mkdir(parents=True, exist_ok=True)
        sf.write(copy, samples, rate_hz)
        written.append(copy)
    return written

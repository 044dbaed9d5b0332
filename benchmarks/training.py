"""Training: how fast a step is, a whole training, and many machines; and where the time goes.

    python benchmarks/bench.py DATA --only training

The plain version is ``plain_training.py``. ResNet38 is measured with 16 windows a batch and not
64, for the memory that float32 takes; a larger batch favours both sides alike.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
import soundfile
import torch
from torch.profiler import profile as torch_profile
from torch.utils.flop_counter import FlopCounterMode

from plain_training import PLAIN, Trainee, decoding
from ratio import Ratio, side_by_side
from rattle import Machine, Recipe
from rattle.allocator import keep_freed_memory
from rattle.clips.amplitude import Amplitude
from rattle.clips.layouts import load_manifest
from rattle.clips.manifest import Manifest
from rattle.detector import finish
from rattle.detector.own import OwnJob
from rattle.features.store import FeatureStore
from rattle.learning import centroids
from rattle.learning.data import TrainingData, prepare, split_normals
from rattle.learning.device import place
from rattle.learning.outliers import choose_pool
from rattle.learning.shared_features import fill_store

MACHINE = Machine("fan", "id_00")
NORMALS = 1000
TYPES = ("fan", "slider")
# What its descendants took at most, told by a small process: a new process counts as its own peak
# what the one that started it held, and a benchmark may hold much.
PEAK_OF = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""
MANY_CLIPS = 20_000
MATRIX = 2048
SMALL = Recipe.load("small")
PAPER = Recipe.load("paper").with_values(training={"normals_per_batch": 8, "outliers_per_batch": 8})
KINDS = {
    "convolutions, forward": ("aten::mkldnn_convolution",),
    "convolutions, backward": ("aten::convolution_backward",),
    "batch norm": ("aten::native_batch_norm",),
    "ReLU, sums, pooling": (
        "aten::clamp_min",
        "aten::threshold_backward",
        "aten::add",
        "aten::avg_pool2d",
        "aten::relu",
        "aten::mean",
    ),
    "dropout": ("aten::bernoulli", "aten::random_", "aten::ge", "aten::mul", "aten::div_"),
}


def measure(data: Path) -> Iterator[Ratio]:
    """Every ratio of section "Training"."""
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        yield from _resnet38(data, Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        yield from _whole_training(data, Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        yield from _many_machines(data, Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        yield _many_clips(Path(folder))


def profile(data: Path) -> str:
    """Where the time of a step goes, plainly and as rattle does it."""
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        return "\n\n".join(
            _profile_of(name, *_two_ways(data, recipe, Path(folder)))
            for name, recipe in (("ResNet38", PAPER), ("the small network", SMALL))
        )


def _two_ways(data: Path, recipe: Recipe, folder: Path) -> tuple[Trainee, Trainee]:
    """The same training plainly and by rattle."""
    ready, statistics = _prepared(load_manifest(data), recipe, folder / "store")
    plain = Trainee(recipe, decoding(ready, recipe, statistics))
    return plain, Trainee(recipe, ready.source, place("cpu"))


def _prepared(
    clips: Manifest, recipe: Recipe, folder: Path
) -> tuple[TrainingData, dict[Machine, Amplitude]]:
    store = FeatureStore(recipe.audio, recipe.features, folder)
    split = split_normals(clips, MACHINE, recipe, seed=0)
    trained = split.part(split.trained)
    pool = choose_pool(clips, MACHINE, None, trained, recipe.audio)
    ready = prepare(split, MACHINE, pool, recipe, store, seed=0)
    statistics = {m: store.amplitude(pool.clips.of(m)) for m in pool.clips.machines()}
    return ready, statistics | {MACHINE: ready.amplitude}


def _resnet38(data: Path, folder: Path) -> Iterator[Ratio]:
    plain, ours = _two_ways(data, PAPER, folder)
    with FlopCounterMode(display=False) as counter:
        ours.step()
    operations = counter.get_total_flops()
    one, other = (torch.randn(MATRIX, MATRIX, dtype=torch.bfloat16) for _ in range(2))
    products = 20

    def multiply() -> None:
        for _ in range(products):
            one @ other

    took = side_by_side({"plain": plain.step, "ours": ours.step, "multiply": multiply}, rounds=3)
    windows = PAPER.training.normals_per_batch + PAPER.training.outliers_per_batch
    yield Ratio(
        "training ResNet38 against plain float32",
        took["plain"] / took["ours"],
        2.0,
        f"{windows / took['ours']:.2f} and {windows / took['plain']:.2f} windows/s, {windows} a "
        "batch, reading to Adam's step",
    )
    reached = operations / took["ours"] / 1e9
    possible = products * 2 * MATRIX**3 / took["multiply"] / 1e9
    yield Ratio(
        "training ResNet38, share of the bf16 matrix rate",
        reached / possible,
        0.6,
        f"{reached:.0f} of {possible:.0f} GFLOP/s; {operations / 1e9:.0f} GFLOP a step",
    )


def _whole_training(data: Path, folder: Path) -> Iterator[Ratio]:
    recordings = folder / "recordings"
    _write_recordings(data, recordings)
    spent = {"centroids": 0.0, "train": 0.0}

    began = time.perf_counter()
    clips = load_manifest(recordings)
    manifest_s = time.perf_counter() - began
    with (
        patch.object(centroids, "compute", _timed(centroids.compute, spent, "centroids")),
        patch.object(finish, "train", _timed(finish.train, spent, "train")),
        patch.dict(os.environ, RATTLE_STORE=str(folder / "store")),
    ):
        finish.make(OwnJob(clips, MACHINE, SMALL))
    ours_s = time.perf_counter() - began

    ready, statistics = _prepared(clips, SMALL, folder / "store")
    plain = Trainee(SMALL, decoding(ready, SMALL, statistics))
    settings = SMALL.centroids

    def recompute() -> None:
        centroids.compute(plain.network, plain.source, settings, PLAIN, turn=0)

    took = side_by_side({"step": plain.step, "centroids": recompute}, rounds=3)
    iterations = SMALL.training.iterations
    times = -(-iterations // settings.epoch_iterations) + 1
    plain_s = manifest_s + iterations * took["step"] + times * took["centroids"]
    yield Ratio(
        f"whole small training of {NORMALS} normals against plain float32",
        ours_s / plain_s,
        1 / 3,
        f"{ours_s:.0f} s from files to bundle ({manifest_s:.0f} s manifest, {spent['train']:.0f} s "
        f"training), plain {plain_s:.0f} s from 3 of {iterations} steps of {took['step']:.2f} s "
        "and without statistics or calibration",
        at_most=True,
    )
    yield Ratio(
        "centroids' share of a small training",
        spent["centroids"] / spent["train"],
        0.10,
        f"{spent['centroids']:.1f} of {spent['train']:.1f} s, default settings",
        at_most=True,
    )


def _timed(
    function: Callable[..., object], spent: dict[str, float], name: str
) -> Callable[..., object]:
    def timed(*given: object, **named: object) -> object:
        began = time.perf_counter()
        try:
            return function(*given, **named)
        finally:
            spent[name] += time.perf_counter() - began

    return timed


def _write_recordings(data: Path, folder: Path) -> None:
    """``NORMALS`` clips of the machine mixed of real ones, and the other machines' own clips."""
    rng = np.random.default_rng(0)
    clips = load_manifest(data)
    own = list(clips.of(MACHINE, split="train", label="normal"))
    sounds = [soundfile.read(clip.path, dtype="float32")[0] for clip in own]
    length = min(len(sound) for sound in sounds)
    train = folder / "dev_data" / MACHINE.type / "train"
    train.mkdir(parents=True)
    for number in range(NORMALS):
        mixed = np.zeros(length, dtype=np.float32)
        for chosen in rng.choice(len(sounds), 2, replace=False):
            shifted = np.roll(sounds[chosen], rng.integers(length))[:length]
            mixed += rng.uniform(0.2, 0.7) * shifted
        name = f"normal_{MACHINE.id}_{number:08d}.wav"
        soundfile.write(train / name, np.clip(mixed, -1, 1), own[0].sample_rate_hz, "PCM_16")
    for clip in clips.outliers_for(MACHINE):
        path = Path(clip.path)
        there = folder / "dev_data" / clip.machine_type / "train" / path.name
        there.parent.mkdir(parents=True, exist_ok=True)
        there.symlink_to(path.resolve())


@dataclass(frozen=True)
class Ran:
    """What a command took, and the peak memory of the largest of its processes."""

    seconds: float
    peak_gib: float


def _many_machines(data: Path, folder: Path) -> Iterator[Ratio]:
    recordings = folder / "recordings"
    for kind in TYPES:
        recordings.mkdir(exist_ok=True)
        (recordings / kind).symlink_to((data / kind).resolve())
    recipe_file = folder / "recipe.toml"
    recipe_file.write_text(SMALL.to_toml())
    clips = load_manifest(recordings)
    with patch.dict(os.environ, RATTLE_STORE=str(folder / "store")):
        fill_store(clips, SMALL, clips.machines())
    each = max((os.cpu_count() or 1) // 2, 1)
    ran = {
        name: _train_all(folder, recordings, recipe_file, workers, threads)
        for name, workers, threads in [
            ("one", 1, each),
            ("two", 2, each),
            ("all threads", 1, 2 * each),
        ]
    }
    yield Ratio(
        "rattle train --machine all, two workers against one",
        ran["one"].seconds / ran["two"].seconds,
        1.7,
        f"{len(clips.machines())} machines: "
        f"{ran['two'].seconds:.0f} s, one worker {ran['one'].seconds:.0f} s, one with twice the "
        f"threads {ran['all threads'].seconds:.0f} s; from the command to the last bundle; "
        f"{ran['two'].peak_gib:.2f} GiB a worker",
    )


def _many_clips(folder: Path) -> Ratio:
    """Two machines' worth of noise, a second a clip: what counts is how many there are."""
    rng = np.random.default_rng(0)
    train = folder / "recordings" / "dev_data" / "fan" / "train"
    train.mkdir(parents=True)
    for number in range(MANY_CLIPS):
        noise = rng.integers(-3000, 3000, 16000, dtype=np.int16)
        soundfile.write(train / f"normal_id_{number % 2:02d}_{number:08d}.wav", noise, 16000)
    recipe_file = folder / "recipe.toml"
    recipe_file.write_text(SMALL.with_values(training={"iterations": 10}).to_toml())
    ran = _train_all(folder, folder / "recordings", recipe_file, 2, 1)
    return Ratio(
        f"peak memory of a worker, {MANY_CLIPS:,} clips in the manifest, GiB",
        ran.peak_gib,
        2.0,
        "the largest process of rattle train --machine all --workers 2, resident, the "
        "memory-mapped features that it touched included",
        at_most=True,
    )


def _train_all(folder: Path, recordings: Path, recipe: Path, workers: int, threads: int) -> Ran:
    out = folder / f"out-{workers}-{threads}"
    command = [sys.executable, "-c", "from rattle.cli import main; main()", "train"]
    command += [str(recordings), "--machine", "all", "--workers", str(workers)]
    command += ["--recipe", str(recipe), "--out", str(out)]
    environment = os.environ | {
        "OMP_NUM_THREADS": str(threads),
        "RATTLE_STORE": str(folder / "store"),
    }
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", PEAK_OF, *command], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{' '.join(command)} failed: {done.stderr}"
    return Ran(time.perf_counter() - began, int(done.stdout) / 2**20)


def _profile_of(name: str, plain: Trainee, ours: Trainee) -> str:
    columns = [_parts(trainee) for trainee in (plain, ours)]
    windows = len(ours.source.batch(0).normal)
    lines = [
        f"Milliseconds of a step of {name}, {windows} windows, {torch.get_num_threads()} threads:",
        "",
        "| part | plain | rattle |",
        "|---|---:|---:|",
    ]
    lines += [f"| {part} | {ms:.0f} | {columns[1][part]:.0f} |" for part, ms in columns[0].items()]
    sums = [sum(column.values()) for column in columns]
    return "\n".join([*lines, f"| together | {sums[0]:.0f} | {sums[1]:.0f} |"])


def _parts(trainee: Trainee) -> dict[str, float]:
    """Milliseconds of each part of a step."""
    trainee.step()
    began = time.perf_counter()
    batch = trainee.source.batch(1)
    batch_ms = (time.perf_counter() - began) * 1e3
    with patch.object(trainee.optimiser, "step", lambda: None), torch_profile() as profiler:
        trainee.descend(batch)
    began = time.perf_counter()
    trainee.optimiser.step()
    optimiser_ms = (time.perf_counter() - began) * 1e3
    times = {e.key: e.self_cpu_time_total / 1e3 for e in profiler.key_averages()}
    found = {"reading, log-mels, batch": batch_ms}
    for kind, names in KINDS.items():
        found[kind] = sum(ms for key, ms in times.items() if key.startswith(names))
    found["casts, copies, losses"] = sum(times.values()) - sum(found.values()) + batch_ms
    found["Adam"] = optimiser_ms
    return found

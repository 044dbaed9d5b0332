"""A fleet: what one training costs over many, how much memory, and what a core scores and carries.

    python benchmarks/bench.py DATA --only fleet

Machines are synthetic, so that there are as many as wanted; what a training costs does not depend
on what is heard. CPU seconds are those of the processes, libraries loaded and files read.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import soundfile as sf
import torch
from numpy.typing import NDArray

import streams
from ratio import Ratio, side_by_side
from rattle import Detector, Recipe, export
from rattle.clips.layouts import load_manifest
from rattle.clips.manifest import Manifest
from rattle.detector.finish import make
from rattle.detector.fit import training_jobs
from rattle.detector.job import Watch
from rattle.features.front_end import FrontEnd
from rattle.learning.batches import Batch
from rattle.learning.device import Placement, place
from rattle.learning.fleet import FleetSource
from rattle.learning.losses import CentroidPair
from rattle.learning.networks import build_network
from rattle.learning.train import build_optimiser, descend
from rattle.runtime import Scorer
from rattle.scoring.windows import clip_windows
from rattle.synthetic import write_factory

IDS, CLIPS = 4, 60
# Normal clips by which a machine of the real data takes part.
MANY = 10
# Of the trainings of before so many are run; one is like another.
MEASURED = 2
MANY_MACHINES, MANY_CLIPS, SOUNDS, MANY_ITERATIONS = 40, 1000, 10, 300
RATE_HZ = 16_000
TRAIN = """
import resource, sys
from rattle.cli import main
try:
    main(sys.argv[1:])
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    print("USED", used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20)
"""


def measure(data: Path) -> Iterator[Ratio]:
    """Every ratio of section "A fleet"."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _over_todays(Path(folder))
    yield from _scoring(data)
    with tempfile.TemporaryDirectory() as folder:
        yield _many(Path(folder))


def profile(data: Path) -> str:
    """Where the time of scoring a clip goes."""
    clips = load_manifest(data)
    machine = next(m for m in clips.machines() if len(clips.of(m, split="train")) >= MANY)
    recipe = Recipe.load("fleet").with_values(training={"iterations": 3})
    with tempfile.TemporaryDirectory() as folder:
        (job,) = training_jobs(clips, [machine], recipe, device="cpu")
        (detector,) = make(job)
        scorer = _exported(detector, Path(folder) / "bundles")
        file = Path(folder) / "clip.wav"
        samples, rate_hz = sf.read(
            clips.of(machine, split="test").table["path"][0], dtype="float32"
        )
        sf.write(file, samples, rate_hz)
        heard = scorer.samples(file)
        count = 1 + len(heard) // recipe.features.hop_samples
        frames = clip_windows(count, scorer.recipe).frames(count)
        spectra, amplitude = scorer.spectra(heard, frames), scorer.info.amplitude
        known = scorer.graph.run(heard, frames, amplitude, spectra=spectra)
        nothing = np.empty(0, dtype=np.float32)
        took = side_by_side(
            {
                "reading the file": lambda: scorer.samples(file),
                "spectrum": lambda: scorer.spectra(heard, frames),
                "encoder": lambda: scorer.graph.run(
                    nothing, frames, amplitude, known.features, spectra
                ),
                "encoder with the log-mel front end before it": lambda: scorer.graph.run(
                    heard, frames, amplitude, spectra=spectra
                ),
                "head": lambda: scorer.head.parts(np.zeros(len(frames)), known.embeddings),
                "all of it": lambda: _score_all(scorer, [file]),
            },
            rounds=50,
            warm_up=5,
        )
    lines = ["A 10 s clip, one thread, median of 50, in ms:", "", "| part | ms |", "|---|---:|"]
    return "\n".join([*lines, *(f"| {name} | {1000 * s:.2f} |" for name, s in took.items())])


def _over_todays(folder: Path) -> Iterator[Ratio]:
    """One training of 16 machines over 16 trainings, and over plain code of the same network."""
    recordings = folder / "recordings"
    write_factory(
        recordings, ids_per_type=IDS, train_clips=CLIPS, test_normal=0, test_anomaly=0, seed=3
    )
    clips = load_manifest(recordings)
    machines = clips.machines()
    fleet_s, wall_s, _ = _trained(folder, recordings, str(_alone(folder)), "all")
    each = [_trained(folder, recordings, "small", str(m))[0] for m in machines[:MEASURED]]
    before_s = float(np.mean(each)) * len(machines)
    yield Ratio(
        f"training a fleet of {len(machines)} machines of {CLIPS} clips over as many trainings",
        fleet_s / before_s,
        1 / 6,
        f"{fleet_s:.0f} CPU s, recipe small {before_s:.0f} from {MEASURED} of {len(machines)}; "
        "from the command to the last bundle, the feature store empty",
        at_most=True,
    )
    yield Ratio(
        "the same, seconds on the cores at hand",
        wall_s,
        90,
        f"{os.cpu_count()} cores, nothing beside it",
        at_most=True,
    )
    _, whole_s, _ = _trained(folder, recordings, "fleet", "all")
    yield Ratio(
        "seconds of the recipe as it is, with four siblings for the threshold, over those without",
        whole_s / wall_s,
        5,
        f"{whole_s:.0f} and {wall_s:.0f} s, siblings side by side on {os.cpu_count()} cores",
        at_most=True,
    )
    ours_s, plain_s = _steps(clips, folder)
    yield Ratio(
        "a step of that training over plain float32 code of the same network",
        ours_s / plain_s,
        0.5,
        f"{1000 * ours_s:.0f} and {1000 * plain_s:.0f} ms, {torch.get_num_threads()} threads; "
        "plain: float32, torch's layout and optimiser, files decoded and transformed in each batch",
        at_most=True,
    )


def _alone(folder: Path, **training: object) -> Path:
    """Write the recipe fleet without siblings: what one training takes."""
    recipe = Recipe.load("fleet").with_values(training={"cross_fit": False, **training})
    file = folder / "alone.toml"
    file.write_text(recipe.to_toml())
    return file


def _trained(
    folder: Path, recordings: Path, recipe: str, machine: str, *words: str
) -> tuple[float, float, float]:
    """CPU seconds, seconds and peak memory in GiB of ``rattle train``."""
    out = folder / f"{Path(recipe).stem}-{machine.replace('/', '-')}"
    command = ["train", str(recordings), "--machine", machine, "--recipe", recipe, *words]
    environment = os.environ | {"RATTLE_STORE": str(out / "store")}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, *command, "--out", str(out)],
        env=environment,
        capture_output=True,
        text=True,
    )
    wall_s = time.perf_counter() - began
    used = [line.split() for line in done.stdout.splitlines() if line.startswith("USED")]
    assert used, f"{command} failed: {done.stderr}"
    assert done.returncode == 0, f"{command} failed: {done.stderr}"
    return float(used[0][1]), wall_s, float(used[0][2])


def _steps(clips: Manifest, folder: Path) -> tuple[float, float]:
    """Seconds of a step of the fleet's training, and of one as one would write it first."""
    recipe = Recipe.load("fleet")
    with patch.dict(os.environ, RATTLE_STORE=str(folder / "store")):
        (job,) = training_jobs(clips, clips.machines(), recipe)
        material = job.material(Watch())
    source = material.source
    assert isinstance(source, FleetSource)
    plain = Placement(torch.device("cpu"), torch.float32)
    amplitudes = {share.group: share.amplitude for share in material.shares}
    normals = [clips.of(machine, split="train", label="normal") for machine in clips.machines()]
    files = [list(of.table["path"]) for of in normals]
    front_end = FrontEnd.of(recipe)

    def decoded() -> None:
        # What the store spares: a batch's clips read, and the log-mel of each.
        rng = np.random.default_rng(0)
        for group in rng.choice(len(files), source.windows_per_batch, p=source.shares):
            samples = front_end.read(files[group][int(rng.integers(len(files[group])))])
            front_end.features(samples, amplitudes[int(group)])

    ours, others = (_stepping(recipe, source, placement) for placement in (place("cpu"), plain))
    took = side_by_side({"ours": ours, "plain": lambda: (decoded(), others())}, rounds=5, warm_up=2)
    return took["ours"], took["plain"]


def _stepping(recipe: Recipe, source: FleetSource, placement: Placement) -> Callable[[], None]:
    torch.manual_seed(0)
    heads = len(source.groups)
    network = build_network(recipe, heads)
    optimiser: torch.optim.Optimizer
    if placement.precision == torch.float32:
        optimiser = torch.optim.AdamW(network.parameters())
    else:
        placement.network(network)
        optimiser = build_optimiser(network, recipe)
    network.train()
    pair = CentroidPair(
        torch.zeros(heads, network.dimensions), torch.ones(heads, network.dimensions)
    )
    balance = placement.put(source.balance)

    def step() -> None:
        batch: Batch = source.batch(0)
        descend(network, optimiser, batch, balance, pair, recipe, placement)

    return step


def _scoring(data: Path) -> Iterator[Ratio]:
    """A clip from its file to its score over the recipe small, and live streams a core."""
    clips = load_manifest(data)
    machines = [m for m in clips.machines() if len(clips.of(m, split="train")) >= MANY]
    quick = {"training": {"iterations": 3}}
    recipes = {name: Recipe.load(name).with_values(**quick) for name in ("fleet", "small")}
    recipes["whole"] = recipes["fleet"].with_values(scoring={"view": "whole"})
    with tempfile.TemporaryDirectory() as folder:
        scorers = {
            name: [
                _exported(detector, Path(folder) / name)
                for job in training_jobs(clips, machines, recipe, device="cpu")
                for detector in make(job)
            ]
            for name, recipe in recipes.items()
        }
    assert len({id(scorer.graph) for scorer in scorers["fleet"]}) == 1
    test = clips.of(machines[0], split="test").table["path"][:32]
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, path in enumerate(test):
            samples, rate_hz = sf.read(path, dtype="float32")
            files.append(Path(folder) / f"{number}.wav")
            sf.write(files[-1], samples, rate_hz)
        took = side_by_side(
            {name: partial(_score_all, of[0], files) for name, of in scorers.items()}, rounds=7
        )
        seconds = sum(len(sf.read(file)[0]) for file in files) / RATE_HZ
    yield Ratio(
        "scoring a clip on one core, files read, recipe small over fleet",
        took["small"] / took["fleet"],
        1,
        f"{1000 * took['small'] / len(files):.2f} and {1000 * took['fleet'] / len(files):.2f} ms",
    )
    for name, how in (("fleet", "in two windows"), ("whole", "heard once and whole")):
        yield Ratio(
            f"times faster than real time on one core, recipe fleet, wav files, {how}",
            seconds / took[name],
            2500,
            f"{1000 * took[name] / len(files):.2f} ms a 10 s clip",
        )
    yield streams.carried_by(scorers["fleet"], data, "fleet", 500)


def _exported(detector: Detector, folder: Path) -> Scorer:
    file = folder / f"{detector.machine.slug}.rattle"
    folder.mkdir(exist_ok=True)
    export(detector).save(file)
    return Scorer.load(file)


def _score_all(scorer: Scorer, files: list[Path]) -> None:
    for file in files:
        scorer.parts(scorer.samples(file))


def _many(folder: Path) -> Ratio:
    """Peak memory of training 40 machines of 1,000 clips of 10 s."""
    rng = np.random.default_rng(0)
    for number in range(MANY_MACHINES):
        train = folder / "recordings" / f"machine-{number:02}" / "normal"
        train.mkdir(parents=True)
        sounds = [_sound(rng, number) for _ in range(SOUNDS)]
        for clip in range(MANY_CLIPS):
            # Shifted, so that each has a content of its own.
            shifted = np.roll(sounds[clip % SOUNDS], int(rng.integers(len(sounds[0]))))
            sf.write(train / f"{clip:04}.wav", shifted, RATE_HZ)
    recipe = _alone(folder, iterations=MANY_ITERATIONS, clips=0)
    cpu_s, _, peak_gib = _trained(folder, folder / "recordings", str(recipe), "all")
    return Ratio(
        f"memory of training {MANY_MACHINES} machines of {MANY_CLIPS:,} clips, GiB",
        peak_gib,
        4,
        f"peak resident of rattle train --machine all, {MANY_ITERATIONS} iterations, "
        f"{cpu_s:.0f} CPU s; the memory-mapped features that it touched included",
        at_most=True,
    )


def _sound(rng: np.random.Generator, number: int) -> NDArray[np.int16]:
    """Ten seconds of noise and a machine's lines."""
    time_s = np.arange(10 * RATE_HZ) / RATE_HZ
    lines = sum(np.sin(2 * np.pi * (90 + 7 * number) * k * time_s) / k for k in range(1, 9))
    sound = 1000 * np.asarray(lines) + 500 * rng.standard_normal(len(time_s))
    return sound.astype(np.int16)

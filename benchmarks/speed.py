"""How long the main job takes here, from recordings to scores.

python benchmarks/speed.py [DATA --machine fan/id_02]

Without DATA it makes synthetic recordings. The feature store is a temporary folder, so features
are computed and not found.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from pathlib import Path

import torch

from rattle import Machine, Recipe
from rattle.clips.layouts import load_manifest
from rattle.clips.synthetic import write_factory
from rattle.fitting import FitJob, Watch, fit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path)
    parser.add_argument("--machine", default="synth_fan/id_00")
    chosen = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, ", end="")
    print(f"{torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}")
    with tempfile.TemporaryDirectory() as folder:
        data = chosen.data or _synthetic(Path(folder))
        _measure(data, Machine.parse(chosen.machine), Path(folder) / "store")


def _synthetic(folder: Path) -> Path:
    write_factory(folder, train_clips=40, test_normal=10, test_anomaly=10)
    return folder


def _measure(data: Path, machine: Machine, store: Path) -> None:
    started = time.perf_counter()
    clips = load_manifest(data)
    print(f"manifest of {len(clips)} clips: {time.perf_counter() - started:.1f} s")

    ticks: list[float] = []
    watch = Watch(on_step=lambda _: ticks.append(time.perf_counter()))
    recipe = Recipe.load("small")
    started = time.perf_counter()
    job = FitJob(clips, machine, recipe, store_folder=store, watch=watch)
    detector = fit(job)
    whole_s = time.perf_counter() - started
    windows = recipe.training.normals_per_batch + recipe.training.outliers_per_batch
    rate = (len(ticks) - 1) / (ticks[-1] - ticks[0])
    print(f"features and first batch: {ticks[0] - started:.1f} s")
    print(f"training: {rate:.2f} iterations/s, {1000 / rate / windows:.2f} ms a window")
    print(f"whole training of {machine}: {whole_s:.0f} s")

    test = clips.of(machine, split="test")
    started = time.perf_counter()
    detector.score(list(test.table["path"]))
    took_s = time.perf_counter() - started
    sound_s = sum(clip.seconds for clip in test)
    print(
        f"scoring: {len(test) / took_s:.0f} clips/s, {sound_s / took_s:.0f} times real time, "
        "files read and ten windows a clip"
    )


if __name__ == "__main__":
    main()

"""``rattle train``: from recordings to a bundle."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rattle.recipe import MethodName

if TYPE_CHECKING:
    from rattle.fitting import FitJob
    from rattle.learning.outliers import OutlierPool
    from rattle.learning.pretrained import Loaded


def train(
    data: Path,
    /,
    *,
    machine: str,
    recipe: str = "small",
    method: MethodName | None = None,
    seed: int = 0,
    device: str = "auto",
    out: Path = Path("runs"),
    outliers: Path | None = None,
    validation: Path | None = None,
    init: Path | None = None,
    resume: bool = False,
) -> int:
    """Train a detector and write it as a bundle, OUT/MACHINE.rattle.

    Ctrl-C stops after the current iteration and keeps the state; --resume goes on to the same
    weights that an uninterrupted training would have had.

    Parameters
    ----------
    data
        A folder of recordings, or a CSV file (see: rattle check).
    machine
        The machine to train for, as type/id (fan/id_00), or all.
    recipe
        small, paper, or a TOML file.
    method
        The loss to train by, in place of the recipe's, or a baseline to fit instead.
    seed
        Decides the weights at the start, the batches and which normals are held out.
    device
        auto, cpu, cuda or cuda:N.
    out
        Folder for bundles and run folders.
    outliers
        Recordings to serve as outliers in place of the other machines in DATA; a folder of any
        layout, or of none.
    validation
        Labelled clips of the machine to choose alpha by; never the ones to be evaluated on.
    init
        Weights to start the encoder from: a PANNs checkpoint or a safetensors file.
    resume
        Go on with an unfinished run in OUT, and leave finished ones as they are.
    """
    from rattle.clips.layouts import load_manifest, load_outliers
    from rattle.clips.machine import Machine
    from rattle.fitting import FitJob
    from rattle.recipe import Recipe

    chosen = Recipe.load(recipe)
    if method is not None:
        chosen = chosen.for_method(method)
    clips = load_manifest(data)
    machines = clips.machines() if machine == "all" else [Machine.parse(machine)]
    job = FitJob(
        clips=clips,
        machine=machines[0],
        recipe=chosen,
        seed=seed,
        outliers=None if outliers is None else load_outliers(outliers),
        validation=None if validation is None else load_manifest(validation),
        init=init,
        device=device,
    )
    return train_each([replace(job, machine=each) for each in machines], out, resume=resume)


def train_each(jobs: list[FitJob], out: Path, *, resume: bool) -> int:
    """Train one after the other; with several, a refused one does not stop the rest."""
    from rattle.errors import RattleError

    refused = []
    for job in jobs:
        try:
            _train_one(job, out, resume=resume)
        except RattleError as error:
            if len(jobs) == 1:
                raise
            refused.append(str(error))
            print(f"rattle: error: {error}", file=sys.stderr)
    if refused:
        print(f"{len(refused)} of {len(jobs)} machines have no detector", file=sys.stderr)
    return int(bool(refused))


def _train_one(job: FitJob, out: Path, *, resume: bool) -> None:
    from rattle.cli.progress import TrainingProgress
    from rattle.cli.stopping import StopRequest
    from rattle.detector import Detector
    from rattle.fitting import Watch
    from rattle.learning.train import Interrupted
    from rattle.runs import run_fit

    title, started = str(job.machine), time.monotonic()
    was_there = (out / f"{job.machine.slug}.rattle").exists()
    progress = TrainingProgress(title, job.recipe.training.iterations)

    def on_clip() -> None:
        if stop():
            raise Interrupted
        progress.on_clip()

    def on_pool(pool: OutlierPool) -> None:
        progress.say(f"{title}: outliers: {pool.origin}")

    def on_init(loaded: Loaded) -> None:
        progress.say(f"{title}: {len(loaded.taken)} pre-trained weights taken")
        for name, reason in loaded.skipped.items():
            progress.say(f"  not taken: {name} ({reason})")

    with progress, StopRequest() as stop:
        watch = Watch(on_clip, on_pool, on_init, progress.on_step, stop)
        try:
            bundle = run_fit(replace(job, watch=watch), out, resume=resume)
        except Interrupted:
            progress.say(f"{title}: stopped; go on with the same command and --resume")
            raise KeyboardInterrupt from None
    detector = Detector.load(bundle, device="cpu")
    how = "was there already" if was_there else f"in {time.monotonic() - started:.0f} s"
    print(f"{title}: {bundle} {how}; calls a clip anomalous above {detector.threshold.value:.4g}")
    if detector.threshold.warning:
        print(f"{title}: warning: {detector.threshold.warning}")

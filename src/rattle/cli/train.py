"""``rattle train``: make a bundle of recordings."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rattle.recipe.parts import MethodName
from rattle.tracking import TrackerName

if TYPE_CHECKING:
    from rattle.clips.machine import Machine
    from rattle.clips.manifest import Manifest
    from rattle.detector.job import Job
    from rattle.recipe import Recipe


def train(
    data: Path,
    /,
    *,
    machine: str,
    recipe: str = "fleet",
    method: MethodName | None = None,
    seed: int = 0,
    device: str = "auto",
    out: Path = Path("runs"),
    outliers: Path | None = None,
    validation: Path | None = None,
    init: Path | None = None,
    resume: bool = False,
    track: TrackerName | None = None,
    workers: int | None = None,
) -> int:
    """Train detectors and write each as a bundle, OUT/MACHINE.rattle.

    By the default recipe all machines of DATA are trained at once, with one encoder, whichever of
    them are asked for; small and paper train one after the other, each with an encoder of its own.
    A long recording of healthy sound is cut into clips of some 10 s, at most 240 of them.
    Ctrl-C stops after the current iteration and keeps the state; --resume goes on to the same
    weights that an uninterrupted training would have had. With --machine all a machine that is
    refused does not stop the others; the exit code is then 1.

    Parameters
    ----------
    data
        A folder of recordings, or a CSV file (see: rattle check).
    machine
        The machine to write a detector of, as type/id (fan/id_00), or all.
    recipe
        fleet, small, paper, or a TOML file.
    method
        The loss to train by, in place of the recipe's, or a baseline to fit instead.
    seed
        Decides the weights at the start, the batches and which normals are held out.
    device
        auto, cpu, cuda or cuda:N.
    out
        Folder for bundles and run folders.
    outliers
        Recordings to serve as outliers, a folder of any layout or of none: beside the other
        machines in DATA where all are trained at once, else in their place.
    validation
        Labelled clips of the machine to choose alpha by; never the ones to be evaluated on.
    init
        Weights to start the encoder from: a PANNs checkpoint or a safetensors file.
    resume
        Go on with an unfinished run in OUT. A finished one stays as it is; one of another recipe,
        method or seed is refused.
    track
        tensorboard or mlflow: write the curves for it too, to OUT/MACHINE/tensorboard or to
        MLFLOW_TRACKING_URI; takes the extra of that name. Of machines trained at once they are
        with the first.
    workers
        Trainings at a time, each by a process with its share of the cores. With --machine all and a
        recipe that trains one after the other: machines, 1 by default; one a core is fastest where
        memory allows, about 1 GB each with small, 12 GB with paper. With fleet: the four trainings
        that make the threshold (training.cross_fit), by default one a core, some 2 GB each. The
        number of threads decides the last bits of the weights.
    """
    from rattle.clips.layouts import load_manifest, load_outliers
    from rattle.clips.machine import Machine
    from rattle.detector.fit import training_jobs
    from rattle.detector.own import OwnJob
    from rattle.errors import DataError
    from rattle.recipe import Recipe
    from rattle.runs.folder import refuse_twins

    if workers is not None and workers < 1:
        raise DataError(f"--workers is 1 or more; {workers} was given")
    chosen = Recipe.load(recipe)
    if method is not None:
        chosen = chosen.for_method(method)
    clips = load_manifest(data)
    machines = clips.machines() if machine == "all" else [Machine.parse(machine)]
    refuse_twins(machines)
    refused: list[Machine] = []
    if chosen.is_shared and len(machines) > 1:
        machines, refused = _with_normals(clips, machines, chosen)
    jobs = training_jobs(
        clips,
        machines,
        chosen,
        seed=seed,
        outliers=None if outliers is None else load_outliers(outliers),
        validation=None if validation is None else load_manifest(validation),
        init=init,
        device=device,
    )
    own = [job for job in jobs if isinstance(job, OwnJob)]
    if workers is not None and workers > 1 and not own and not chosen.training.cross_fit:
        raise DataError(
            f"--workers {workers} is for recipes that train an encoder for each machine (recipe "
            "small, or a baseline) or cross-fit; this one trains all machines once, on all cores"
        )
    if not own or workers in (None, 1) or len(jobs) == 1:
        code = train_each(jobs, out, resume=resume, track=track, workers=workers)
        return _concluded(len(refused), len(refused) + len(machines)) or code

    from rattle.cli.terminal.machines import train_machines

    failed = train_machines(own, out, workers=workers, resume=resume, track=track)
    return _concluded(len(failed), len(jobs))


def _with_normals(
    clips: Manifest, machines: list[Machine], recipe: Recipe
) -> tuple[list[Machine], list[Machine]]:
    """Tell the machines that have normals enough from the others, of which it says so."""
    from rattle.clips.cut_manifest import cut_to_train
    from rattle.errors import DataError
    from rattle.features.sieve import Sieve
    from rattle.features.store import FeatureStore
    from rattle.learning.data import training_normals

    able, refused = [], []
    sieve = Sieve(FeatureStore.of(recipe))
    cut = cut_to_train(clips, recipe)
    fit = sieve.fit_to_train(cut, asked=machines)
    for machine in machines:
        try:
            with sieve.explaining(cut.require(machine)):
                training_normals(fit, machine, recipe)
            able.append(machine)
        except DataError as error:
            print(f"rattle: error: {error}", file=sys.stderr)
            refused.append(machine)
    if not able:
        raise DataError("no machine has normal training clips enough to train a detector of")
    return able, refused


def train_each(
    jobs: Sequence[Job],
    out: Path,
    *,
    resume: bool,
    track: TrackerName | None = None,
    workers: int | None = None,
) -> int:
    """Train one after the other; with several, a refused one does not stop the rest."""
    from rattle.cli.terminal.options import told
    from rattle.cli.terminal.running import run_shown
    from rattle.errors import RattleError

    refused = []
    for job in jobs:
        try:
            run_shown(job, out, resume=resume, track=track, workers=workers)
        except RattleError as error:
            if len(jobs) == 1:
                raise
            refused.append(told(error))
            print(f"rattle: error: {told(error)}", file=sys.stderr)
    return _concluded(len(refused), len(jobs))


def _concluded(refused: int, machines: int) -> int:
    if refused:
        print(f"{refused} of {machines} machines have no detector", file=sys.stderr)
    return int(bool(refused))

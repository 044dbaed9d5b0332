"""Fit, enrol or adapt in a run folder, so that a run that was killed goes on to the same bytes."""

from __future__ import annotations

import glob
import json
import platform
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import TextIO

import torch

from rattle.atomic import replacing, write_text, writing
from rattle.bundle import BundleInfo, read_scoring_bundle
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.clips.unchanged import unchanged
from rattle.cores import cores
from rattle.detector import Detector
from rattle.detector.cross_fit import forget_siblings
from rattle.detector.finish import NO_WATCH, finish
from rattle.detector.job import Job, Recordings, Watch
from rattle.errors import StorageError, TrainingError
from rattle.learning.outliers import named
from rattle.learning.train import Step
from rattle.locked import locked
from rattle.runs.folder import FLEET, RunFolder, refuse_twins
from rattle.version import VERSION


@dataclass(frozen=True)
class MissingRecordings:
    """How many of the recordings listed in a run's ``file`` have gone or changed since."""

    missing: int
    listed: int
    file: Path


def refuse_existing(out: Path, machines: Sequence[Machine]) -> None:
    """Raise ``TrainingError`` where ``out`` holds a run of one of the machines."""
    for folder in [training_folder(out, machines), *(RunFolder.of(out, m) for m in machines)]:
        if folder.bundle.exists() or folder.path.exists():
            raise TrainingError(
                f"{out} already holds a run ({folder.path.name}); give another folder to write to, "
                "or resume that run",
                argument=("resume", "out"),
            )


def refuse_other(job: Job, bundle: Path, made: BundleInfo) -> None:
    """Raise ``TrainingError`` where the finished ``bundle`` is not what the job makes."""
    if not job.gives(made):
        raise TrainingError(
            f"{bundle} is there already, of another {job.told_by}; give another folder to write to",
            argument="out",
        )


def training_folder(out: Path, machines: Sequence[Machine]) -> RunFolder:
    """Choose the folder of a training while it goes on: the machine's own, or the fleet's."""
    return RunFolder.of(out, machines[0]) if len(machines) == 1 else RunFolder(out / FLEET)


def run_in_folder(
    job: Job,
    out: Path,
    *,
    resume: bool,
    watch: Watch = NO_WATCH,
    before: Callable[[str, RunFolder], None] = lambda _, __: None,
) -> dict[Machine, Path]:
    """Carry out a job in a run folder under ``out`` and return its machines' bundles.

    A training of many machines has a folder of its own until all its bundles are there; each
    machine's run folder then holds what it was made by.

    With ``resume`` finished runs are left as they are and an unfinished one goes on. Without it a
    folder that holds a run is refused, so that none is lost. Raises ``TrainingError`` for that,
    where a finished run is of another job (``Job.gives``), and where some of a fleet's are there
    that were trained with other machines or clips; ``StorageError`` where another process trains
    there.

    ``before`` is called with the training's identity and folder once its data are found fit: it may
    train siblings there (``runs.siblings``); those that it does not are trained one by one.
    """
    folder, folders = training_folder(out, job.machines), _folders(out, job.machines)
    bundles = {machine: of.bundle for machine, of in folders.items()}
    ours = [folder, *folders.values()]
    if resume and len(_finished(job, bundles)) == len(bundles):
        # It may have been killed in between. Where nothing can be written it is read all the same.
        with suppress(StorageError), _held(ours):
            _tidy_up(job, folder)
        return bundles
    with _held(ours):
        if not resume:
            refuse_existing(out, job.machines)
        _run(job, out, folder, folders, watch, before)
        _tidy_up(job, folder)
    return bundles


@contextmanager
def _held(folders: Sequence[RunFolder]) -> Iterator[None]:
    """Keep run folders to this process."""
    with ExitStack() as locks:
        for path in {folder.path for folder in folders}:
            locks.enter_context(locked(path, "a training"))
        yield


def _run(
    job: Job,
    out: Path,
    folder: RunFolder,
    folders: Mapping[Machine, RunFolder],
    watch: Watch,
    before: Callable[[str, RunFolder], None],
) -> None:
    """Carry out a job in folders that are ours, or go on with it."""
    there = _finished(job, {machine: of.bundle for machine, of in folders.items()})
    _clear_parts(out, [folder, *folders.values()])
    with metrics_log(folder.metrics) as log:

        @cache
        def describe() -> None:
            # Only once the data and a checkpoint have been found fit: a refused run leaves no
            # folder behind and does not rewrite the description of the run it is not.
            _describe(job, folder, job.machines)

        def on_step(step: Step) -> None:
            describe()
            log(step)
            watch.on_step(step)

        def on_sibling_step(turn: int, step: Step) -> None:
            describe()
            watch.on_sibling_step(turn, step)

        logged = replace(watch, on_step=on_step, on_sibling_step=on_sibling_step)
        material = job.material(logged)
        _refuse_another_encoder(there, material.identity, out)
        before(material.identity, folder)
        for detector in finish(job, material, watch=logged, checkpoint=folder.checkpoint):
            describe()  # a baseline may take no steps
            if detector.machine not in there:
                of_machine = folders[detector.machine]
                _share_run(job, folder, of_machine, detector.machine)
                detector.save(of_machine.bundle)


def _tidy_up(job: Job, folder: RunFolder) -> None:
    """Remove what a training goes on from, its bundles all there: of a fleet the common folder.

    Nothing of another training that stopped in the same folder.
    """
    if not folder.environment.exists():
        return
    if json.loads(folder.environment.read_text())["machine"] != _named(job.machines):
        return
    if len(job.machines) > 1:
        shutil.rmtree(folder.path)
    else:
        folder.checkpoint.unlink(missing_ok=True)
        forget_siblings(folder.checkpoint)


def _named(machines: Sequence[Machine]) -> str:
    return ", ".join(map(str, machines))


def _share_run(job: Job, common: RunFolder, folder: RunFolder, machine: Machine) -> None:
    """Give a machine's run folder what the fleet's holds, but for the state to go on from."""
    if folder != common:
        _describe(job, folder, [machine])
        folder.checkpoint.unlink(missing_ok=True)  # of a training of this machine's alone
        if common.metrics.exists():
            write_text(folder.metrics, common.metrics.read_text(encoding="utf-8"))


def _folders(out: Path, machines: Sequence[Machine]) -> dict[Machine, RunFolder]:
    refuse_twins(machines)
    return {machine: RunFolder.of(out, machine) for machine in machines}


def _finished(job: Job, bundles: Mapping[Machine, Path]) -> dict[Machine, BundleInfo]:
    """Read the bundles that are there; raises where one is of another job."""
    there = {}
    for machine, bundle in bundles.items():
        if bundle.exists():
            there[machine] = read_scoring_bundle(bundle).info
            refuse_other(job, bundle, there[machine])
    return there


def _refuse_another_encoder(there: Mapping[Machine, BundleInfo], identity: str, out: Path) -> None:
    """Raise where bundles are there of a training with other machines or clips."""
    others = [m for m, info in there.items() if info.provenance.data_hash != identity]
    if others:
        raise TrainingError(
            f"{out} holds bundles of {named(others)} that were trained with other machines or "
            "clips; enrol the new machines to keep them, or give another folder to train all anew",
            argument="out",
        )


def _clear_parts(out: Path, folders: Sequence[RunFolder]) -> None:
    """Remove what a process left that was killed while it wrote."""
    for folder in folders:
        name = glob.escape(folder.bundle.name)
        for left in [*folder.path.glob(".*.part"), *out.glob(f".{name}.*.part")]:
            left.unlink(missing_ok=True)


def recordings_of(
    bundle: Path,
    detector: Detector,
    data: Manifest | None = None,
    *,
    on_missing: Callable[[MissingRecordings], None] = lambda _: None,
) -> Recordings | None:
    """Find the recordings that a bundle's run was given, as far as they are there unchanged.

    Its run folder lists them; ``data`` holds those that have moved, and is taken as it is. None
    where the run folder is not there or no clip that ``detector`` was trained on is. ``on_missing``
    is called for each of the run's lists of which some recordings are not found.
    """
    folder = RunFolder.beside(bundle)
    if data is None:
        if not folder.clips.exists():
            return None
        # Test clips teach nothing; whether they are there does not matter.
        data = _still_there(
            Manifest.read_csv(folder.clips).of(split="train"), folder.clips, on_missing
        )
        ours = data.of(detector.machine).table["content_hash"]
        if not {*ours} & {*detector.info.provenance.trained}:
            return None
    else:
        data = data.called_as(detector.info.provenance.used)
    if not folder.outliers.exists():
        return Recordings(data)
    normals = Manifest.read_csv(folder.outliers).of(label="normal")
    return Recordings(
        data, _still_there(normals.without(detector.machine), folder.outliers, on_missing)
    )


def _still_there(
    clips: Manifest, file: Path, on_missing: Callable[[MissingRecordings], None]
) -> Manifest:
    there = unchanged(clips)
    if len(there) < len(clips):
        on_missing(MissingRecordings(len(clips) - len(there), len(clips), file))
    return there


def _describe(job: Job, folder: RunFolder, machines: Sequence[Machine]) -> None:
    write_text(folder.recipe, job.recipe.to_toml())
    environment = {
        "rattle": VERSION,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": cores(),
        "threads": torch.get_num_threads(),
        "device": job.device,
        "machine": _named(machines),
        "seed": job.seed,
    }
    write_text(folder.environment, json.dumps(environment, indent=1))
    sources = job.sources
    if sources is None:
        return
    with replacing(folder.clips) as beside:
        sources.clips.write_csv(beside)
    if sources.outliers is not None:
        with replacing(folder.outliers) as beside:
            sources.outliers.write_csv(beside)


@contextmanager
def metrics_log(path: Path) -> Iterator[Log]:
    """Log steps to a file, which appears with the first."""
    log = Log(path)
    try:
        yield log
    finally:
        log.close()


class Log:
    """Append steps; on resuming, lines of iterations that will be done again are dropped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None

    @property
    def is_open(self) -> bool:
        """Whether a step was logged."""
        return self._file is not None

    def __call__(self, step: Step) -> None:
        with writing(self._path):
            if self._file is None:
                self._keep_before(step.iteration)
                self._file = self._path.open("a", encoding="utf-8", buffering=1)
            self._file.write(json.dumps(asdict(step)) + "\n")

    def close(self) -> None:
        if self._file is not None:
            # What could not be written was told when it was to be, and is tried again here.
            with suppress(OSError):
                self._file.close()

    def _keep_before(self, iteration: int) -> None:
        if not self._path.exists():
            return
        lines_before = []
        for line in self._path.read_text(encoding="utf-8").splitlines():
            try:
                done = json.loads(line)["iteration"]
            except (ValueError, KeyError):
                continue  # a line that was cut when the process was killed
            if done < iteration:
                lines_before.append(line)
        write_text(self._path, "".join(f"{line}\n" for line in lines_before))

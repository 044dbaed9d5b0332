"""``rattle adapt``: let a detector learn from the anomalies that turned up."""

from __future__ import annotations

import logging
import shlex
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from rattle.errors import DataError
from rattle.tracking import TrackerName

if TYPE_CHECKING:
    from rattle.clips.machine import Machine
    from rattle.runs.write import MissingRecordings
    from rattle.runtime.change import Change

Paths = Annotated[list[Path], Parameter(consume_multiple=True)]


def adapt(
    bundle: Path,
    /,
    *,
    anomalies: Paths = [],  # noqa: B006 - never changed
    normal: Paths = [],  # noqa: B006
    head: bool = False,
    data: Path | None = None,
    out: Path | None = None,
    seed: int | None = None,
    device: str = "auto",
    resume: bool = False,
    track: TrackerName | None = None,
) -> int:
    """Let a detector learn from a few labelled clips of its machine, and write a new bundle.

    One to some dozen anomalies are enough. Its encoder is trained on, which takes half a minute;
    with --head its head alone is fitted anew, in a second or two and without torch. Both can follow
    each other: what the head learnt from, the encoder learns from later.

    The recordings that the detector was trained on are found again by its run folder; where they
    have gone, the bundle's replay set, a sample of them, stands for them. What a folder holds of
    other machines, or calls otherwise, is left out and said. A clip given now counts
    as it is given, whatever it was taken for before. Clips given as normal are no alarm any more.
    Scale and threshold are fitted anew, for the same false-alarm rate. See what it brought with:
    rattle compare OLD NEW DATA.

    Parameters
    ----------
    bundle
        A .rattle file.
    anomalies
        Recordings of faults, or folders of them; a folder below names a kind of fault.
    normal
        Recordings of healthy sound, or folders of them: rejected alarms, a new operating state.
    head
        Leave the encoder as it is, and with it the graph; fit head, scale and threshold anew.
    data
        Where the recordings that the bundle was trained on are now: a folder or a CSV file.
    out
        Folder for the new bundle and its run folder; by default adapted, beside the bundle.
    seed
        Decides the batches; by default the bundle's own.
    device
        auto, cpu, cuda or cuda:N.
    resume
        Go on with an unfinished adaptation in OUT.
    track
        tensorboard or mlflow: write the curves for it too, to OUT/MACHINE/tensorboard or to
        MLFLOW_TRACKING_URI; takes the extra of that name.
    """
    if head:
        _refuse_beside_head(data=data, resume=resume, track=track)
        return _adapt_head(bundle, anomalies, normal, out, seed, device)
    from rattle.bundle.given import given_clips
    from rattle.cli.terminal.running import run_shown
    from rattle.clips.layouts import load_manifest
    from rattle.clips.manifest import Manifest
    from rattle.detector import Detector
    from rattle.detector.adapt import AdaptJob
    from rattle.detector.change import change_of_encoder
    from rattle.errors import TrainingError
    from rattle.runs.folder import bundle_path
    from rattle.runs.write import recordings_of

    parent = Detector.load(bundle, device=device)
    out = out or bundle.parent / "adapted"
    if bundle_path(out, parent.machine).resolve() == bundle.resolve():
        raise TrainingError(
            f"the new bundle would take the place of {bundle}; choose another folder with --out"
        )
    given = partial(given_clips, parent.info, outliers=parent.replay.outliers)
    job = AdaptJob(
        parent=parent,
        anomalies=Manifest.from_clips(given(anomalies, "anomaly")),
        normals=Manifest.from_clips(given(normal, "normal")),
        recordings=recordings_of(
            bundle, parent, load_manifest(data) if data else None, on_missing=_warn_of
        ),
        seed=parent.info.provenance.seed if seed is None else seed,
        device=device,
    )
    (adapted,) = run_shown(job, out, resume=resume, track=track)
    if parent.graph is not None:
        export = shlex.join(["rattle", "export", str(adapted)])
        print(f"{parent.machine}: it has no graph yet, to score without torch and listen: {export}")
    change = change_of_encoder(
        parent, Detector.load(adapted, device=device), job.anomalies, job.normals
    )
    _tell(parent.machine, change, bundle, adapted)
    return 0


def _adapt_head(
    bundle: Path,
    anomalies: list[Path],
    normal: list[Path],
    out: Path | None,
    seed: int | None,
    device: str,
) -> int:
    from rattle.bundle import read_bundle
    from rattle.bundle.given import given_clips
    from rattle.cli.terminal.announced import announce
    from rattle.cli.terminal.scorers import open_scorer
    from rattle.clips.machine import Machine
    from rattle.runs.head import folder_for_head, write_head_run
    from rattle.runtime.adapt_head import adapt_head

    parent = read_bundle(bundle)
    machine = Machine.parse(parent.info.machine)
    out = out or bundle.parent / "adapted"
    folder = folder_for_head(bundle, machine, out)
    given = {
        label: given_clips(parent.info, paths, label, parent.replay.outliers)
        for label, paths in (("anomaly", anomalies), ("normal", normal))
    }
    seed = parent.info.provenance.seed if seed is None else seed
    began = time.monotonic()
    ear = open_scorer(bundle, device=device)
    adapted = adapt_head(parent, ear, given["anomaly"], given["normal"], seed=seed)
    write_head_run(folder, adapted.bundle, bundle, [*given["anomaly"], *given["normal"]], seed)
    took = f"in {time.monotonic() - began:.1f} s"
    announce({folder.bundle: (adapted.bundle.info, took)})
    _tell(machine, adapted.change, bundle, folder.bundle)
    return 0


def _tell(machine: Machine, change: Change, old: Path, new: Path) -> None:
    from rattle.cli.terminal.change_lines import change_lines

    for line in change_lines(str(machine), change):
        print(line)
    compare = shlex.join(["rattle", "compare", str(old), str(new)])
    print(f"{machine}: see what it brought with: {compare} DATA")


def _refuse_beside_head(**given: object) -> None:
    """Raise where an option is given that only training the encoder on has a use for."""
    for name, value in given.items():
        if value:
            raise DataError(
                f"--{name} is of training the encoder on; a head needs no recording that it was "
                "trained on and is fitted in one go: leave it out, or --head"
            )


def _warn_of(recordings: MissingRecordings) -> None:
    logging.getLogger(__name__).warning(
        "%d of the %d recordings listed in %s have gone or changed; if they have moved, say where "
        "with --data",
        recordings.missing,
        recordings.listed,
        recordings.file,
    )

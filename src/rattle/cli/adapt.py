"""``rattle adapt``: let a detector learn from the anomalies that turned up."""

from __future__ import annotations

import logging
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from rattle.tracking import TrackerName

if TYPE_CHECKING:
    from rattle.runs.write import MissingRecordings

Paths = Annotated[list[Path], Parameter(consume_multiple=True)]


def adapt(
    bundle: Path,
    /,
    *,
    anomalies: Paths = [],  # noqa: B006 - never changed
    normal: Paths = [],  # noqa: B006
    data: Path | None = None,
    out: Path | None = None,
    seed: int | None = None,
    device: str = "auto",
    resume: bool = False,
    track: TrackerName | None = None,
) -> int:
    """Train a detector on with a few labelled clips of its machine, and write a new bundle.

    One to some dozen anomalies are enough. The recordings that the detector was trained on are
    found again by its run folder; where they have gone, the bundle's replay set, a sample of them,
    stands for them. A clip given now counts as it is given, whatever it was taken for before.
    Scale and threshold are fitted anew, for the same false-alarm rate. See what it brought with:
    rattle compare OLD NEW DATA.

    Parameters
    ----------
    bundle
        A .rattle file.
    anomalies
        Recordings of faults, or folders of them.
    normal
        Recordings of healthy sound, or folders of them: rejected alarms, a new operating state.
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
    from rattle.cli.terminal.running import run_shown
    from rattle.clips.labelled import labelled_clips
    from rattle.clips.layouts import load_manifest
    from rattle.detector import Detector
    from rattle.detector.adapt import AdaptJob
    from rattle.errors import TrainingError
    from rattle.runs.folder import bundle_path
    from rattle.runs.write import recordings_of

    parent = Detector.load(bundle, device=device)
    out = out or bundle.parent / "adapted"
    if bundle_path(out, parent.machine).resolve() == bundle.resolve():
        raise TrainingError(
            f"the new bundle would take the place of {bundle}; choose another folder with --out"
        )
    job = AdaptJob(
        parent=parent,
        anomalies=labelled_clips(anomalies, parent.machine, "anomaly"),
        normals=labelled_clips(normal, parent.machine, "normal"),
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
    compare = shlex.join(["rattle", "compare", str(bundle), str(adapted)])
    print(f"{parent.machine}: see what it brought with: {compare} DATA")
    return 0


def _warn_of(recordings: MissingRecordings) -> None:
    logging.getLogger(__name__).warning(
        "%d of the %d recordings listed in %s have gone or changed; if they have moved, say where "
        "with --data",
        recordings.missing,
        recordings.listed,
        recordings.file,
    )

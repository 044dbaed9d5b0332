"""Train a machine's encoder on, as ``rattle adapt`` does, with what its station has of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rattle.bundle.given import given_clips
from rattle.clips.clip import Clip
from rattle.clips.labelled import labelled_clips
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.detector import Detector
from rattle.detector.adapt import AdaptJob
from rattle.detector.export import export
from rattle.detector.finish import make
from rattle.detector.job import Recordings, Watch
from rattle.errors import ClipError, DataError
from rattle.features.store import STORE
from rattle.learning.train import Step


@dataclass(frozen=True)
class Sounds:
    """What to train on: files of faults and of rejected alarms, and of healthy sound by machine.

    ``trained`` are recordings that the bundle may have been trained on; None where the replay set
    in it is to stand for them.
    """

    anomalies: Sequence[Path]
    normals: Sequence[Path]
    healthy: Mapping[str, Sequence[Path]]
    trained: Manifest | None


def learn_on(
    parent: Detector,
    sounds: Sounds,
    *,
    device: str,
    told: Callable[[float], None],
    stop_requested: Callable[[], bool],
) -> Detector:
    """Give the detector that learnt from these, with its graph.

    ``told`` hears which share of the training is done. Raises ``Interrupted`` after
    ``stop_requested`` said so, and what ``rattle.adapt`` raises.
    """
    given = partial(given_clips, parent.info, outliers=parent.replay.outliers)
    job = AdaptJob(
        parent=parent,
        anomalies=Manifest.from_clips(given(sounds.anomalies, "anomaly")),
        normals=Manifest.from_clips(given(sounds.normals, "normal")),
        recordings=_recordings(parent, sounds.trained),
        seed=parent.info.provenance.seed,
        device=device,
        healthy=Manifest.from_clips(_healthy(parent, sounds.healthy)),
    )

    def step(of: Step) -> None:
        told(of.iteration / job.steps)

    (learnt,) = make(job, watch=Watch(on_step=step, stop_requested=stop_requested))
    return export(learnt)


@contextmanager
def features_in(folder: Path) -> Iterator[None]:
    """Keep what is computed on the way in a folder: of a station's sound nothing stays behind."""
    before = os.environ.get(STORE)
    os.environ[STORE] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ[STORE]
        else:
            os.environ[STORE] = before


def _recordings(parent: Detector, trained: Manifest | None) -> Recordings | None:
    """Take the recordings that the bundle was trained on, where they are at hand."""
    if trained is not None:
        called = trained.called_as(parent.info.provenance.used)
        if len(called.of(parent.machine).with_content(parent.info.provenance.trained)):
            return Recordings(called)
    if parent.replay.is_empty:
        raise DataError(
            f"the bundle of {parent.machine} holds no replay set, and the worker has no recording "
            "that it was trained on; give the worker these",
            argument="data",
        )
    return None


def _healthy(parent: Detector, healthy: Mapping[str, Sequence[Path]]) -> list[Clip]:
    """List the kept sound, a machine's that is fit; what is damaged or silent is no loss."""
    clips = []
    for name, paths in healthy.items():
        machine = Machine.parse(name)
        if not paths or (machine != parent.machine and machine.is_namesake(parent.machine)):
            continue
        try:
            clips += labelled_clips(paths, machine, "normal", parent.recipe.audio)
        except ClipError:  # not one of them is fit
            continue
    return clips

"""Describe a detector to make: what every way of making one states, and what it reports."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from rattle.bundle.file import GoldenClips
from rattle.bundle.known import Named
from rattle.bundle.replay import Replay
from rattle.bundle.schema import BundleInfo, CrossFitted, HeldOut, Provenance
from rattle.clips.amplitude import Amplitude
from rattle.clips.cutting import Cut
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.clips.recorder import Recorder
from rattle.clips.unfit import Unfit
from rattle.detector.calibrate import Alpha
from rattle.diagnosis.reference import Reference
from rattle.features.sieve import Sieve
from rattle.features.views import Rows
from rattle.learning.batches import ClipFeatures, Source
from rattle.learning.device import Placement
from rattle.learning.losses import CentroidPair
from rattle.learning.networks import Network
from rattle.learning.outliers import OutlierPool
from rattle.learning.pretrained import Loaded
from rattle.learning.train import Step
from rattle.recipe import Recipe

_log = logging.getLogger(__name__)

# The network to train from here on, on its device, and DSAD's centroid where it has one already.
Start = tuple[Network, CentroidPair | None]


@dataclass(frozen=True)
class Recordings:
    """Where the clips that a detector learns from are read.

    ``outliers`` are those that it was given; None where it takes the other machines of ``clips``.
    """

    clips: Manifest
    outliers: Manifest | None = None


@dataclass(frozen=True)
class Recovered:
    """How much of what a detector was trained on is at hand again.

    Pairs are clips at hand and clips in all. ``only_replay`` counts those at hand that the bundle's
    replay set alone still has; ``outliers`` are those taken from it, None where recordings serve.
    """

    trained: tuple[int, int]
    held_out: tuple[int, int]
    anomalies: tuple[int, int]
    only_replay: int
    outliers: int | None
    has_recordings: bool


@dataclass(frozen=True)
class NewClips:
    """What an adaptation adds; the last two count clips whose label was another one before."""

    anomalies: int
    normals: int
    held_out: int
    were_normal: int
    were_anomalies: int


def _ignore(*_: object) -> None: ...


def _never() -> bool:
    return False


def _warn(unfit: Unfit) -> None:
    _log.warning("%s", unfit)


@dataclass(frozen=True)
class Watch:
    """What a job reports on its way, and where it looks whether to stop.

    ``on_sibling_step`` is ``on_step`` of the siblings, which count from 1 (``Job.siblings``).
    Clips that are left out because they are not fit are a warning in the log where nobody takes
    them: ``rattle.fit`` would else be silent about them.
    """

    on_cut: Callable[[Sequence[Cut]], None] = _ignore
    on_clip: Callable[[], None] = _ignore
    on_unfit: Callable[[Unfit], None] = _warn
    on_pool: Callable[[OutlierPool], None] = _ignore
    on_init: Callable[[Loaded], None] = _ignore
    on_recovered: Callable[[Recovered], None] = _ignore
    on_new_clips: Callable[[NewClips], None] = _ignore
    on_step: Callable[[Step], None] = _ignore
    on_sibling_step: Callable[[int, Step], None] = _ignore
    stop_requested: Callable[[], bool] = _never

    def told_of(self, *sieves: Sieve) -> None:
        """Report what each of some sieves did not let pass."""
        for sieve in sieves:
            if sieve.unfit:
                self.on_unfit(sieve.unfit)


@dataclass(frozen=True)
class Crossed:
    """Clips that siblings scored, as the parent has them, and its parts of those it held out.

    The latter by hash, so that the same clips tell how parts change (``runtime.carry``).
    """

    clips: Sequence[CrossFitted]
    held_out: Mapping[str, HeldOut]


@dataclass(frozen=True)
class Share:
    """What is one machine's own in a training; its detector is made of it and of what was trained.

    ``head`` is the number of its head, ``group`` and ``outliers`` say which of the source's groups
    are its normal clips and its outliers. ``held_out`` are normals that no batch holds,
    ``labelled`` features ``[T, width]`` to choose alpha by with whether each is an anomaly, else
    ``alpha`` it is. ``replay`` is bounded by ``finish``; ``graph`` is the encoder's where it has
    one already. ``trained`` and ``kept`` name the clips of ``group`` and of ``held_out``, in their
    order; ``anomalies`` are labelled clips that it learns from, ``silenced`` normals that someone
    called so, by hash. ``healthy`` reads recordings of healthy sound, ``[T]`` each, which a
    reference is made of, on top of ``older`` where there is one, without what ``unhealthy`` reads;
    ``recorder`` is how they were recorded. ``crossed`` is what an adaptation carries over of its
    parent.
    """

    machine: Machine
    head: int
    group: int
    outliers: Sequence[int]
    held_out: ClipFeatures
    alpha: Alpha
    amplitude: Amplitude
    golden: GoldenClips
    replay: Replay
    provenance: Provenance
    trained: Sequence[Named] = ()
    kept: Sequence[Named] = ()
    anomalies: Sequence[tuple[Named, Rows]] = ()
    silenced: Mapping[str, Rows] = field(default_factory=dict)
    healthy: Callable[[], Iterable[NDArray[np.float32]]] = tuple
    unhealthy: Callable[[], Iterable[NDArray[np.float32]]] = tuple
    older: Reference | None = None
    recorder: Recorder | None = None
    labelled: Sequence[tuple[Rows, bool]] = ()
    crossed: Crossed | None = None
    graph: bytes | None = None


@dataclass(frozen=True)
class Material:
    """All that ``finish`` makes detectors from; to prepare it is what jobs differ in.

    ``recipe`` is what the detectors will state. ``training`` holds the numbers to train by now;
    None where the encoder stays as it is and a head is fitted. ``start`` gives the network to begin
    with, None for a baseline. ``identity`` tells one training from another, ``part`` is how far the
    weights go that it makes (``learning.train``).
    """

    source: Source
    recipe: Recipe
    training: Recipe | None
    start: Callable[[Placement], Start] | None
    identity: str
    shares: Sequence[Share]
    part: float = 1.0


class Job(Protocol):
    """Detectors to make: a training or an adaptation. A value; ``finish.make`` carries it out.

    There is one of each of ``machines``. ``work`` is what people call it, ``steps`` how often
    ``Watch.on_step`` will be called.
    """

    @property
    def work(self) -> Literal["train", "adapt", "enrol"]: ...

    @property
    def machines(self) -> Sequence[Machine]: ...

    @property
    def recipe(self) -> Recipe: ...

    @property
    def seed(self) -> int: ...

    @property
    def device(self) -> str: ...

    @property
    def steps(self) -> int: ...

    @property
    def told_by(self) -> str:
        """What tells this job's detectors from another's, in words."""

    @property
    def sources(self) -> Recordings | None:
        """The recordings that a later adaptation has to read again; None where there are none."""

    @property
    def siblings(self) -> Sequence[Job]:
        """Trainings that hold other normals out, whose scores make the threshold too."""

    def material(self, watch: Watch) -> Material:
        """Prepare what the detectors are made from."""

    def gives(self, made: BundleInfo) -> bool:
        """Say whether that detector is one that this job makes, by what ``told_by`` names.

        It is asked of a run that is finished: whether to leave it as it is, or to refuse it.
        """

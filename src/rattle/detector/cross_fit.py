"""Cross-fit: let every normal be scored by a model that did not learn from it.

A training holds a share of each machine's normals out. Its siblings are trainings that differ in
nothing but which share that is: each scores its own, and is forgotten. So all normals make the
threshold, and the detector has still learnt from most of them. This is cross-conformal prediction
(Vovk, 2015) with one of the models to judge what comes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from rattle.atomic import write_text
from rattle.bundle.schema import CrossFitted
from rattle.clips.machine import Machine
from rattle.detector.calibrate import calibrate
from rattle.detector.job import Job, Watch
from rattle.detector.measure import measured
from rattle.learning.batches import let_go
from rattle.learning.checkpoint import Interruption, refuse_another
from rattle.learning.device import place
from rattle.scoring.clip import AveragedParts
from rattle.scoring.score import Scale


@dataclass(frozen=True)
class Scored:
    """1 - p and d of a machine's clip by a sibling; d on that sibling's own fixed scale."""

    machine: str
    clip: str
    gap: float | None
    scaled: float | None

    def on(self, scale: Scale) -> CrossFitted:
        """Express d as it would be for a detector with ``scale``."""
        distance = None if self.scaled is None else scale.inverse(self.scaled)
        return CrossFitted(clip=self.clip, gap=self.gap, distance=distance)


def cross_fit(
    job: Job, identity: str, watch: Watch, checkpoint: Path | None
) -> dict[Machine, list[Scored]]:
    """Train a job's siblings and score what each held out, by machine.

    ``identity`` is the job's own. What a sibling said is kept beside the ``checkpoint`` until the
    job is done, so that an interrupted job does not train it again.
    """
    scored: dict[Machine, list[Scored]] = {machine: [] for machine in job.machines}
    if checkpoint is not None:
        refuse_another(checkpoint, identity)  # not only after all siblings
    for turn, sibling in enumerate(job.siblings, start=1):
        for one in score_sibling(sibling, turn, identity, watch, checkpoint):
            scored[Machine.parse(one.machine)].append(one)
    return scored


def score_sibling(
    sibling: Job, turn: int, identity: str, watch: Watch, checkpoint: Path | None
) -> list[Scored]:
    """Train one sibling, the ``turn``-th from 1, or read what it said of the clips it held out.

    ``identity`` and ``checkpoint`` are those of the job that it is a sibling of.
    """
    kept = None if checkpoint is None else checkpoint.with_name(f"sibling-{turn}.json")
    told = _read(kept, identity)
    if told is None:
        quiet = Watch(
            on_clip=watch.on_clip,
            on_unfit=lambda _: None,  # the job itself has told
            on_step=partial(watch.on_sibling_step, turn),
            stop_requested=watch.stop_requested,
        )
        state = None if kept is None else kept.with_suffix(".safetensors")
        told = list(_scored(sibling, quiet, state))
        _write(kept, identity, told)
        if state is not None:
            state.unlink(missing_ok=True)
    return told


def forget_siblings(checkpoint: Path) -> None:
    """Remove what siblings left beside a checkpoint."""
    for file in checkpoint.parent.glob("sibling-*"):
        file.unlink(missing_ok=True)


def _scored(sibling: Job, watch: Watch, state: Path | None) -> Iterator[Scored]:
    material = sibling.material(watch)
    placement = place(sibling.device, material.recipe.training.precision)
    interruption = Interruption(state, material.identity, watch.stop_requested)
    models = measured(material, placement, interruption, watch)
    for share, of_share in zip(material.shares, models, strict=True):
        own = calibrate(of_share.held_out, of_share.outliers, default=share.alpha)
        gap, distance = own.held_out.gap, own.held_out.distance
        parts = AveragedParts(gap, None if distance is None else own.scale(distance))
        for clip, row in zip(share.kept, parts.rows(), strict=True):
            yield Scored(str(share.machine), clip.hash, *row)
        let_go([*material.source.groups, share.held_out])


def _read(file: Path | None, identity: str) -> list[Scored] | None:
    """Read what a sibling of the same job said; None where there is nothing of the kind."""
    if file is None or not file.exists():
        return None
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        return [Scored(**one) for one in said["clips"]] if said["identity"] == identity else None
    except (ValueError, KeyError, TypeError):
        return None  # it is trained again


def _write(file: Path | None, identity: str, told: Sequence[Scored]) -> None:
    if file is not None:
        write_text(file, json.dumps({"identity": identity, "clips": [asdict(one) for one in told]}))

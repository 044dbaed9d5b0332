"""Keep what a model says of its machine's test clips: tables and figures are made of that.

A file holds the parts of each clip's score and not the score, so that alpha and the scale of the
distance can be chosen afterwards; and everything needed for that, so that no bundle has to be
opened.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from rattle.atomic import replacing, write_text
from rattle.clips.clip import Clip
from rattle.clips.machine import Machine
from rattle.errors import DataError
from rattle.recipe.parts import MethodName, Part
from rattle.runtime.clip_scorer import ScaleName
from rattle.scoring.clip import ClipParts, Mix, clip_value
from rattle.scoring.score import Scale

# What of a detector learnt from the anomalies that it was adapted with.
Way = Literal["encoder", "head"]


class OutcomeClip(Part):
    """A test clip: its windows' logits and distances, ``[n]`` each, None where there are none."""

    path: str
    content_hash: str
    label: Literal["normal", "anomaly", "unknown"]
    start_s: tuple[float, ...]
    logits: tuple[float, ...] | None
    distances: tuple[float, ...] | None

    @property
    def parts(self) -> ClipParts:
        return ClipParts(
            np.array(self.start_s),
            None if self.logits is None else np.array(self.logits),
            None if self.distances is None else np.array(self.distances),
        )


class Outcome(Part):
    """What one model says of its machine's test clips.

    ``drawn`` are the content hashes of the anomalies that were moved to training, in order; the
    model learnt from the first ``anomalies`` of them, with its encoder or its head alone (``way``;
    None where that is not known). ``seconds`` is how long the task took.
    """

    method: MethodName
    machine: str
    seed: int
    anomalies: int
    recipe: str
    network: str
    alpha: float
    low: float
    high: float
    threshold: float
    drawn: tuple[str, ...]
    clips: tuple[OutcomeClip, ...]
    seconds: float
    # Before heads learnt in experiments, encoders did and outcomes did not say so.
    way: Way | None = "encoder"

    @property
    def of(self) -> Machine:
        return Machine.parse(self.machine)

    @property
    def is_labelled(self) -> bool:
        """Whether its clips are of both classes, as an AUC needs."""
        return {"normal", "anomaly"} <= {clip.label for clip in self.clips}

    def scores(
        self,
        *,
        scale: ScaleName,
        alpha: float | None = None,
        without: Collection[str] = (),
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Score the normal and the anomalous clips by equation 5, ``[N-]`` and ``[N+]``.

        Clips whose hash is in ``without`` are left out, also from the range that ``paper`` scales
        by. ``alpha`` replaces the model's own.
        """
        clips = [clip for clip in self.clips if clip.content_hash not in without]
        fixed = Scale(self.low, self.high)
        distances = [clip.distances for clip in clips if clip.distances is not None]
        spanning = scale == "paper" and distances
        chosen_scale = Scale.spanning(np.concatenate(distances)) if spanning else fixed
        mix = Mix(self.alpha if alpha is None else alpha, chosen_scale)
        normal, anomaly = (
            np.array([clip_value(clip.parts, mix) for clip in clips if clip.label == label])
            for label in ("normal", "anomaly")
        )
        return normal, anomaly

    def write(self, file: Path) -> None:
        """Write it beside ``file`` and rename it."""
        write_text(file, self.model_dump_json())

    @classmethod
    def read(cls, file: Path) -> Outcome:
        """Read what ``write`` wrote. Raises ``DataError`` where the file is no outcome."""
        try:
            return cls.model_validate_json(file.read_bytes())
        except (OSError, ValidationError) as error:
            reason = str(error).splitlines()[0]
            raise DataError(
                f"{file} is not the outcome of a task ({reason}); remove it, and the experiment "
                "makes it again"
            ) from None


def outcome_clip(clip: Clip, parts: ClipParts) -> OutcomeClip:
    """Put a clip of a manifest together with what a model says of it."""
    return OutcomeClip(
        path=clip.path,
        content_hash=clip.content_hash,
        label=clip.label,
        start_s=tuple(parts.start_s.tolist()),
        logits=None if parts.logits is None else tuple(parts.logits.tolist()),
        distances=None if parts.distances is None else tuple(parts.distances.tolist()),
    )


def write_embeddings(file: Path, embeddings: NDArray[np.float32]) -> None:
    """Write each clip's mean embedding, ``[clips, D]`` in the outcome's order."""
    with replacing(file) as beside:
        beside.write_bytes(save_tensors({"embeddings": embeddings.astype(np.float16)}))


def read_embeddings(file: Path) -> NDArray[np.float32] | None:
    """Read what ``write_embeddings`` wrote; None where there is no file (a baseline has none)."""
    if not file.exists():
        return None
    try:
        return load_tensors(file.read_bytes())["embeddings"].astype(np.float32)
    except (SafetensorError, KeyError, ValueError) as error:
        raise DataError(f"{file} holds no embeddings ({error}); remove it") from None

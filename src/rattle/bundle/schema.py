"""State what ``bundle.json`` holds."""

from __future__ import annotations

import math
from dataclasses import astuple
from typing import Annotated, Literal

from pydantic import Field, model_validator

from rattle.clips.amplitude import Amplitude
from rattle.clips.recorder import Recorder
from rattle.recipe import Recipe
from rattle.recipe.parts import Fraction, Part
from rattle.scoring.clip import AveragedParts
from rattle.scoring.score import Scale

SCHEMA_VERSION: Literal[7] = 7
# Schema 6 differs in one thing: it knows clips by the hashes of their files alone.
READ_VERSIONS = (6, 7)


class HeldOut(Part):
    """A normal clip's parts, from which scale and threshold can be fitted again."""

    gap: float | None
    distance: float | None

    @classmethod
    def of_each(cls, clips: AveragedParts) -> tuple[HeldOut, ...]:
        """Take the parts of each of some clips."""
        return tuple(cls(gap=gap, distance=distance) for gap, distance in clips.rows())


class CrossFitted(HeldOut):
    """Parts of a clip that the encoder learnt from, by one like it that did not (``cross_fit``).

    ``clip`` is its hash; ``distance`` is on the bundle's own scale.
    """

    clip: str


class GoldenScore(Part):
    """What a stored clip scored when the bundle was written."""

    score: float
    posterior: float | None
    distance: float | None


class Provenance(Part):
    """Where a detector comes from. Clips are told by their content hashes (``clips.content``).

    Those that a bundle has of one of schema 6, its own or its parent's, are of files' bytes:
    ``Manifest.called_as`` gives clips those names.

    ``trained``, ``held_out`` and ``anomalies`` are all clips of the machine that it and its parents
    have learnt from; ``parent`` is the ``identity`` of the bundle that it was adapted from.
    ``silenced`` are those clips among them that someone called normal, in the order of
    ``BundleInfo.silenced``. ``fleet`` are the machines whose heads were trained on the same
    encoder; none where it is its own.
    """

    created: str
    rattle: str
    torch: str
    seed: int
    data_hash: str
    trained: tuple[str, ...]
    held_out: tuple[str, ...]
    anomalies: tuple[str, ...] = ()
    silenced: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    outliers: str
    outliers_substitute: bool
    pretrained: str | None = None
    parent: str | None = None
    fleet: tuple[str, ...] = ()

    @property
    def used(self) -> tuple[str, ...]:
        """Every clip that it must not be evaluated on."""
        return (*self.trained, *self.held_out, *self.anomalies, *self.validation)


class BundleInfo(Part):
    """The whole of ``bundle.json`` but for the members' hashes.

    ``held_out`` and ``cross_fitted`` make the threshold. ``silenced`` are parts of clips that
    someone called normal: alarms that were rejected, a new operating state. The threshold is never
    below their scores. ``recorder`` is how the clips that it knows as
    normal were recorded, None where that is not known.
    """

    format: Literal["rattle-bundle"] = "rattle-bundle"
    schema_version: Literal[6, 7] = SCHEMA_VERSION
    # It names files: ".." alone would name a folder above.
    machine: Annotated[str, Field(pattern=r"^[^/]*[^/.][^/]*(/[^/]+)?$")]
    recipe: Recipe
    amplitude: Amplitude
    alpha: Fraction
    alpha_origin: str
    scale: Scale
    held_out: Annotated[tuple[HeldOut, ...], Field(min_length=1)]
    cross_fitted: tuple[CrossFitted, ...] = ()
    silenced: tuple[HeldOut, ...] = ()
    golden: tuple[GoldenScore, ...]
    recorder: Recorder | None = None
    provenance: Provenance

    @model_validator(mode="after")
    def _amplitude_and_scale_can_be_computed_with(self) -> BundleInfo:
        # Those that a training gives are taken as they are, not read.
        numbers = (*astuple(self.amplitude), *astuple(self.scale))
        if not all(map(math.isfinite, numbers)) or self.amplitude.deviation <= 0:
            raise ValueError(f"amplitude or scale has no width or is not finite: {numbers}")
        return self

    @model_validator(mode="after")
    def _silenced_parts_are_of_silenced_clips(self) -> BundleInfo:
        if len(self.silenced) != len(self.provenance.silenced):
            raise ValueError("parts of other silenced clips than its provenance names")
        return self

    @model_validator(mode="after")
    def _held_out_parts_fit_the_method(self) -> BundleInfo:
        expected = (self.recipe.has_posterior, self.recipe.has_distance)
        for clip in (*self.held_out, *self.cross_fitted, *self.silenced):
            if (clip.gap is not None, clip.distance is not None) != expected:
                raise ValueError(f"normal clips' parts that {self.recipe.method} does not give")
        return self

"""What ``bundle.json`` holds."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from rattle.recipe import Recipe

SCHEMA_VERSION: Literal[1] = 1


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class AmplitudeInfo(Part):
    mean: float
    deviation: float


class HeldOut(Part):
    """A held-out normal clip's parts, from which scale and threshold can be fitted again."""

    gap: float | None
    distance: float | None


class ScaleInfo(Part):
    low: float
    high: float


class Golden(Part):
    """What a stored clip scored when the bundle was written."""

    score: float
    posterior: float | None
    distance: float | None


class Provenance(Part):
    """Where a detector comes from. Hashes are SHA-256 of files' bytes."""

    created: str
    rattle: str
    torch: str
    seed: int
    data_hash: str
    trained: tuple[str, ...]
    held_out: tuple[str, ...]
    validation: tuple[str, ...] = ()
    outliers: str
    outliers_substitute: bool
    pretrained: str | None = None
    parent: str | None = None


class BundleInfo(Part):
    """The whole of ``bundle.json`` but for the members' hashes."""

    format: Literal["rattle-bundle"] = "rattle-bundle"
    schema_version: Literal[1] = SCHEMA_VERSION
    machine: str
    recipe: Recipe
    amplitude: AmplitudeInfo
    alpha: float
    alpha_origin: str
    scale: ScaleInfo
    held_out: tuple[HeldOut, ...]
    golden: tuple[Golden, ...]
    provenance: Provenance

"""Choose the outlier pool: which clips stand for the anomalies that nobody has yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.errors import DataError
from rattle.features.store import default_folder
from rattle.learning.substitutes import substitute_clips
from rattle.recipe.parts import Audio


@dataclass(frozen=True)
class OutlierPool:
    """Clips that serve as pseudo-anomalies, and in plain words where they come from.

    ``substitute`` pools were made up: the detector and its scores must say so.
    """

    clips: Manifest
    origin: str
    substitute: bool = False


def choose_pool(
    clips: Manifest,
    machine: Machine,
    outliers: Manifest | None,
    normals: Manifest,
    audio: Audio,
) -> OutlierPool:
    """Choose the given outliers, else other machines' normals (section IV-A), else substitutes.

    Substitutes are made of ``normals``, the clips that training may see.
    """
    if outliers is not None:
        return _of_given(outliers, machine)
    others = clips.outliers_for(machine)
    if len(others):
        return OutlierPool(others, f"normal clips of {named(others.machines())}")
    return OutlierPool(
        substitute_clips(normals, audio, default_folder()),
        "SUBSTITUTES (the machine's own clips transformed, and synthetic machines): no other "
        "machine was at hand, so detection is likely worse; give real sound as outliers",
        substitute=True,
    )


def named(machines: Sequence[Machine]) -> str:
    """Name the first six machines, and say how many more there are."""
    more = f" and {len(machines) - 6} more" if len(machines) > 6 else ""
    return ", ".join(map(str, machines[:6])) + more


def _of_given(outliers: Manifest, machine: Machine) -> OutlierPool:
    table = outliers.of(label="normal").table.filter(
        ~((pl.col("machine_type") == machine.type) & (pl.col("machine_id") == machine.id))
    )
    if not table.height:
        raise DataError(
            f"the outliers given hold no normal clip of a machine other than {machine}; give a "
            "folder with recordings of other machines or surroundings",
            argument="outliers",
        )
    return OutlierPool(Manifest(table), f"{table.height} normal clips given as outliers")

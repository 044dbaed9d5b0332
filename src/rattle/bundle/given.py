"""List the recordings that someone gives a detector, as clips that it can learn from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from rattle.bundle.replay import ByHash
from rattle.bundle.schema import BundleInfo
from rattle.clips.clip import Clip
from rattle.clips.labelled import labelled_clips
from rattle.clips.machine import Machine

NONE: Mapping[str, ByHash] = MappingProxyType({})


def given_clips(
    info: BundleInfo,
    paths: Iterable[str | Path],
    label: str,
    outliers: Mapping[str, ByHash] = NONE,
) -> list[Clip]:
    """List recordings, and those below folders, as clips of the bundle's machine with that label.

    What is not that machine's, or not called so, is left out, as ``labelled_clips`` says. The other
    machines that a recording can be of are those that its encoder was trained with, and those of
    the ``outliers`` of its replay set, whose sound is known too.
    """
    fleet: dict[str, Collection[str]] = dict.fromkeys(info.provenance.fleet, ())
    others = {**fleet, **{machine: [*of] for machine, of in outliers.items()}}
    others.pop(info.machine, None)
    return labelled_clips(
        map(Path, paths),
        Machine.parse(info.machine),
        label,
        info.recipe.audio,
        info.recorder,
        others=others,
        used=info.provenance.used,
    )

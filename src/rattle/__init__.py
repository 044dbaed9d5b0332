"""Anomalous sound detection for machines.

>>> import rattle
>>> detector = rattle.fit("recordings", "fan/id_00")          # doctest: +SKIP
>>> detector.save("fan.rattle")                               # doctest: +SKIP
>>> [clip.anomalous for clip in detector.score(["new.wav"])]  # doctest: +SKIP
>>> better = rattle.adapt(detector, ["worn-bearing.wav"])     # doctest: +SKIP
>>> rattle.export(better).save("better.rattle")               # doctest: +SKIP

The names below are loaded when they are first used: importing rattle loads no torch.
"""

from __future__ import annotations

import importlib

from rattle.version import VERSION

# Not imported from typing: Ctrl-C before ``rattle.__main__`` runs would end in a traceback.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from rattle.clips.clip import Clip
    from rattle.clips.machine import Machine
    from rattle.clips.manifest import Manifest
    from rattle.detector.adapt import adapt
    from rattle.detector.detector import Detector
    from rattle.detector.enrol import enrol
    from rattle.detector.export import export
    from rattle.detector.fit import fit, fit_fleet
    from rattle.errors import (
        BundleError,
        ClipError,
        DataError,
        DownloadError,
        RattleError,
        RecipeError,
        SourceError,
        StorageError,
        TrainingError,
    )
    from rattle.recipe import Recipe
    from rattle.scoring.clip import ClipScore
    from rattle.scoring.threshold import Threshold


__version__ = VERSION

_HOMES = {
    "BundleError": "rattle.errors",
    "Clip": "rattle.clips.clip",
    "ClipError": "rattle.errors",
    "ClipScore": "rattle.scoring.clip",
    "DataError": "rattle.errors",
    "Detector": "rattle.detector.detector",
    "DownloadError": "rattle.errors",
    "Machine": "rattle.clips.machine",
    "Manifest": "rattle.clips.manifest",
    "RattleError": "rattle.errors",
    "Recipe": "rattle.recipe.recipe",
    "RecipeError": "rattle.errors",
    "SourceError": "rattle.errors",
    "StorageError": "rattle.errors",
    "Threshold": "rattle.scoring.threshold",
    "TrainingError": "rattle.errors",
    "adapt": "rattle.detector.adapt",
    "enrol": "rattle.detector.enrol",
    "export": "rattle.detector.export",
    "fit": "rattle.detector.fit",
    "fit_fleet": "rattle.detector.fit",
}

__all__ = [
    "BundleError",
    "Clip",
    "ClipError",
    "ClipScore",
    "DataError",
    "Detector",
    "DownloadError",
    "Machine",
    "Manifest",
    "RattleError",
    "Recipe",
    "RecipeError",
    "SourceError",
    "StorageError",
    "Threshold",
    "TrainingError",
    "adapt",
    "enrol",
    "export",
    "fit",
    "fit_fleet",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'rattle' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

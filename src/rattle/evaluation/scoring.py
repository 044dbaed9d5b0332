"""Scoring every machine's test clips with its detector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.detector import ClipScore, Detector, ScaleName, Unscored
from rattle.errors import DataError
from rattle.evaluation.scored import SCORED


@dataclass(frozen=True)
class Scored:
    """Scored clips (``SCORED``), what was left out in plain words, and how many were unreadable."""

    table: pl.DataFrame
    notes: tuple[str, ...]
    unread: int


def load_bundles(path: Path, *, device: str = "auto") -> list[Detector]:
    """The detectors of a bundle, or of every bundle in a folder; one a machine."""
    if not path.exists():
        raise DataError(f"{path}: there is no such folder or bundle; rattle train writes bundles")
    files = sorted(path.glob("*.rattle")) if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path} holds no .rattle file; rattle train writes bundles")
    found: dict[Machine, tuple[Path, Detector]] = {}
    for file in files:
        detector = Detector.load(file, device=device)
        if detector.machine in found:
            raise DataError(
                f"{found[detector.machine][0]} and {file} are both of {detector.machine}; keep "
                "one of them in the folder"
            )
        found[detector.machine] = (file, detector)
    return [detector for _, detector in found.values()]


def score_machines(
    detectors: Sequence[Detector], clips: Manifest, *, scale: ScaleName = "fixed"
) -> Scored:
    """Score the test clips of each detector's machine.

    Clips whose content a detector was trained, calibrated or validated on are left out.
    Raises ``DataError`` where no clip is left.
    """
    rows: list[dict[str, object]] = []
    notes: list[str] = []
    unread = 0
    for detector in detectors:
        test = clips.of(detector.machine, split="test")
        fresh, seen = _unseen(test, detector)
        if seen:
            notes.append(
                f"{detector.machine}: {seen} of {len(test)} test clips were used in training and "
                "are left out"
            )
        if not len(fresh):
            notes.append(f"{detector.machine}: no test clip in the data")
            continue
        if detector.info.provenance.outliers_substitute:
            notes.append(f"{detector.machine}: trained against substitute outliers")
        if detector.threshold.warning:
            notes.append(f"{detector.machine}: {detector.threshold.warning}")
        results = detector.score_each(list(fresh.table["path"]), scale=scale)
        for clip, result in zip(fresh, results, strict=True):
            if isinstance(result, Unscored):
                notes.append(result.reason)
                unread += 1
            else:
                rows.append(_row(detector.machine, clip.label, clip.domain, result))
    if not rows:
        machines = ", ".join(str(detector.machine) for detector in detectors)
        raise DataError(f"the data hold no test clip of {machines} that can be scored")
    return Scored(pl.DataFrame(rows, schema=SCORED), tuple(notes), unread)


def _unseen(test: Manifest, detector: Detector) -> tuple[Manifest, int]:
    origin = detector.info.provenance
    used = [*origin.trained, *origin.held_out, *origin.validation]
    fresh = Manifest(test.table.filter(~pl.col("content_hash").is_in(used)))
    return fresh, len(test) - len(fresh)


def _row(machine: Machine, label: str, domain: str, clip: ClipScore) -> dict[str, object]:
    return {
        "path": clip.path,
        "machine_type": machine.type,
        "machine_id": machine.id,
        "label": label,
        "domain": domain,
        "score": clip.score,
        "posterior": clip.posterior,
        "distance": clip.distance,
        "threshold": clip.threshold,
        "anomalous": clip.anomalous,
    }

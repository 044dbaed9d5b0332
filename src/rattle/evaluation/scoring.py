"""Score every machine's test clips with its detector, or one machine's with two detectors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from rattle.bundle.file import SUFFIX
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.detector import Detector
from rattle.errors import DataError
from rattle.evaluation.scored import SCORED
from rattle.runtime.clip_scorer import ScaleName
from rattle.scoring.clip import ClipScore, Unscored
from rattle.scoring.threshold import remark_on


@dataclass(frozen=True)
class Scored:
    """Scored clips (``SCORED``), what was left out in plain words, and how many were unreadable."""

    table: pl.DataFrame
    notes: tuple[str, ...]
    unread: int


@dataclass(frozen=True)
class ScoredPair:
    """The same clips scored by two detectors, in the same order; otherwise as ``Scored``.

    A clip that either of them cannot read is in neither table.
    """

    old: pl.DataFrame
    new: pl.DataFrame
    notes: tuple[str, ...]
    unread: int


def load_bundles(path: Path, *, device: str = "auto") -> list[Detector]:
    """Load the detector of a bundle, or of every bundle in a folder; one a machine."""
    if not path.exists():
        raise DataError(f"{path}: there is no such folder or bundle", argument="bundle")
    files = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path} holds no {SUFFIX} file", argument="bundle")
    loaded: dict[Machine, tuple[Path, Detector]] = {}
    for file in files:
        detector = Detector.load(file, device=device)
        if detector.machine in loaded:
            raise DataError(
                f"{loaded[detector.machine][0]} and {file} are both of {detector.machine}; keep "
                "one of them in the folder"
            )
        loaded[detector.machine] = (file, detector)
    return [detector for _, detector in loaded.values()]


def score_machines(
    detectors: Sequence[Detector], clips: Manifest, *, scale: ScaleName = "fixed"
) -> Scored:
    """Score the test clips of each detector's machine.

    Clips whose sound a detector was trained, calibrated or validated on are left out.
    Raises ``DataError`` where no clip is left.
    """
    rows: list[dict[str, object]] = []
    notes: list[str] = []
    unread = 0
    judging: list[Detector] = []
    for detector in detectors:
        test = clips.of(detector.machine, split="test")
        used = detector.info.provenance.used
        fresh = test.called_as(used).without_content(used)
        if len(fresh) < len(test):
            notes.append(
                f"{detector.machine}: {len(test) - len(fresh)} of {len(test)} test clips were "
                "used in training or to choose alpha, and are left out"
            )
        if not len(test):
            notes.append(f"{detector.machine}: no test clip in the data")
        if not len(fresh):
            continue
        judging.append(detector)
        results = detector.score_each(list(fresh.table["path"]), scale=scale)
        remarks: dict[str, str] = {}
        for clip, result in zip(fresh, results, strict=True):
            if isinstance(result, Unscored):
                notes.append(result.reason)
                unread += 1
            elif result.anomalous is None:
                notes.append(_not_judged(result))
                unread += 1
            else:
                rows.append(_row(detector.machine, clip.label, clip.domain, result))
                remarks |= {clip.path: result.remark} if result.remark else {}
        notes += [f"{detector.machine}: {note}" for note in _remarked(remarks, len(fresh))]
    notes += _remarks(judging)
    if not rows:
        machines = ", ".join(str(detector.machine) for detector in detectors)
        none = f"the data hold no test clip of {machines} that can be scored"
        raise DataError("; ".join([none, *notes]))
    return Scored(pl.DataFrame(rows, schema=SCORED), tuple(notes), unread)


def score_pair(old: Detector, new: Detector, clips: Manifest) -> ScoredPair:
    """Score the test clips of the machine that both detectors are of, by the fixed scale.

    Clips that either of them was trained, calibrated or validated on are left out, by their sound.
    Raises ``DataError`` where the machines differ and where no clip is left.
    """
    if old.machine != new.machine:
        raise DataError(
            f"the old bundle is of {old.machine} and the new one of {new.machine}; give two "
            "bundles of one machine"
        )
    machine = old.machine
    test = clips.of(machine, split="test")
    used = [*old.info.provenance.used, *new.info.provenance.used]
    fresh = test.called_as(used).without_content(used)
    notes = []
    if len(fresh) < len(test):
        notes.append(
            f"{machine}: {len(test) - len(fresh)} of {len(test)} test clips were used in training "
            "one of the two bundles and are left out"
        )
    paths = list(fresh.table["path"])
    of_old: list[dict[str, object]] = []
    of_new: list[dict[str, object]] = []
    remarks: dict[str, str] = {}
    for clip, *results in zip(fresh, old.score_each(paths), new.score_each(paths), strict=True):
        before, after = results
        short = next((r for r in results if isinstance(r, ClipScore) and r.anomalous is None), None)
        if short is not None:
            notes.append(_not_judged(short))
        elif isinstance(before, ClipScore) and isinstance(after, ClipScore):
            of_old.append(_row(machine, clip.label, clip.domain, before))
            of_new.append(_row(machine, clip.label, clip.domain, after))
            remark = before.remark or after.remark
            remarks |= {clip.path: remark} if remark else {}
        else:
            # What is wrong with a file is wrong for both, as a rule: said once.
            notes += dict.fromkeys(r.reason for r in results if isinstance(r, Unscored))
    if not of_old:
        raise DataError(
            "; ".join([f"the data hold no test clip of {machine} to compare on", *notes])
        )
    return ScoredPair(
        old=pl.DataFrame(of_old, schema=SCORED),
        new=pl.DataFrame(of_new, schema=SCORED),
        notes=(*notes, *_remarked(remarks, len(fresh)), *_pair_warnings(old, new)),
        unread=len(fresh) - len(of_old),
    )


def _remarks(detectors: Sequence[Detector]) -> Iterator[str]:
    """Tell of all detectors at once what the user must know before relying on them."""
    substitutes = [str(of.machine) for of in detectors if of.info.provenance.outliers_substitute]
    if substitutes:
        yield f"{', '.join(substitutes)}: trained against substitute outliers"
    few = remark_on({str(of.machine): of.threshold for of in detectors})
    if few:
        yield few


def _remarked(remarks: Mapping[str, str], of: int) -> Iterator[str]:
    """Tell once how many clips have a remark beside their score, and one of them."""
    if remarks:
        path, remark = next(iter(remarks.items()))
        yield f"{len(remarks)} of {of} test clips have a remark, such as {path}: {remark}"


def _not_judged(clip: ClipScore) -> str:
    return f"{clip.path}: left out: {clip.remark}"


def _warnings(detector: Detector) -> Iterator[str]:
    """Tell what the user must know before relying on the detector."""
    if detector.info.provenance.outliers_substitute:
        yield "trained against substitute outliers"
    if detector.threshold.warning:
        yield detector.threshold.warning


def _pair_warnings(old: Detector, new: Detector) -> Iterator[str]:
    """Tell each detector's warnings, and once what holds for both."""
    of_old, of_new = list(_warnings(old)), list(_warnings(new))
    for warning in dict.fromkeys([*of_old, *of_new]):
        names = [name for name, own in (("old", of_old), ("new", of_new)) if warning in own]
        yield f"{' and '.join(names)}: {warning}"


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

"""Check a set of recordings before anything is trained on it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rattle.clips.clip import Clip
from rattle.clips.cut_manifest import cut_to_train
from rattle.clips.cutting import Cut, cuts_in
from rattle.clips.examine import Examined, Finding, examine
from rattle.clips.layouts import Scan, scan
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.cores import readers
from rattle.recipe import Recipe


@dataclass(frozen=True)
class MachineSummary:
    """What there is of one machine: recordings by split and label, and their total length.

    ``cuts`` are the long ones that training cuts into clips.
    """

    machine: Machine
    clips: dict[tuple[str, str], int]
    hours: float
    cuts: tuple[Cut, ...]


@dataclass(frozen=True)
class CheckReport:
    """What ``check`` tells; findings are ordered: errors, then warnings, each by code and path."""

    layout: str
    machines: tuple[MachineSummary, ...]
    findings: tuple[Finding, ...]

    @property
    def has_errors(self) -> bool:
        return any(finding.severity == "error" for finding in self.findings)


def check(source: Path, recipe: Recipe) -> CheckReport:
    """Decode every recording of a folder or CSV file once and report what is wrong.

    The recipe says which rate and channel are wanted and how long a clip has to be. ``source`` is
    as for ``scan``, which raises ``DataError`` when nothing is recognised; anything wrong with
    single files is a finding and raises nothing. The codes of findings are explained in
    ``rattle.clips.examine`` and below.
    """
    scanned = scan(source, hashed=False)
    paths = [Path(clip.path) for clip in scanned.manifest]
    paths += [skipped.path for skipped in scanned.unreadable]
    # Decoding and hashing release the interpreter lock, so threads use every core.
    with ThreadPoolExecutor(max_workers=readers()) as pool:
        examined = list(pool.map(partial(examine, recipe=recipe), paths))
    findings = [finding for one in examined for finding in one.findings]
    findings += _refused(scanned, examined)
    findings += _repeated(scanned.manifest, examined)
    machines = tuple(
        _summary(scanned.manifest, machine, recipe) for machine in scanned.manifest.machines()
    )
    findings += [finding for summary in machines for finding in _unfit(summary)]
    order = sorted(findings, key=lambda f: (f.severity, f.code, str(f.path), f.message))
    return CheckReport(scanned.layout, machines, tuple(order))


def _refused(scanned: Scan, examined: Iterable[Examined]) -> list[Finding]:
    """List files that the scan could not use and that decoding has nothing to say about."""
    explained = {one.path for one in examined if one.findings}
    unreadable = [s for s in scanned.unreadable if s.path not in explained]
    return [Finding(s.path, "unreadable", s.reason) for s in unreadable] + [
        Finding(s.path, "left-out", s.reason) for s in scanned.left_out
    ]


def _repeated(manifest: Manifest, examined: Iterable[Examined]) -> list[Finding]:
    """List sounds that occur twice: a leak when one is for training and one for test."""
    clip_of = {clip.path: clip for clip in manifest}
    same: defaultdict[int, list[Clip]] = defaultdict(list)
    for one in examined:
        if one.sound_hash is not None and str(one.path) in clip_of:
            same[one.sound_hash].append(clip_of[str(one.path)])
    return [_repetition(clips) for clips in same.values() if len(clips) > 1]


def _repetition(clips: list[Clip]) -> Finding:
    train = [clip for clip in clips if clip.split == "train"]
    test = [clip for clip in clips if clip.split == "test"]
    code, first = ("train-test-leak", test[0]) if train and test else ("duplicate", clips[0])
    others = ", ".join(
        f"{clip.path} ({clip.machine}, {clip.split} {clip.label})"
        for clip in clips
        if clip is not first
    )
    return Finding(
        Path(first.path),
        code,
        f"{first.machine}, {first.split} {first.label}: the same sound as {others}; keep one",
    )


def _summary(manifest: Manifest, machine: Machine, recipe: Recipe) -> MachineSummary:
    clips = list(manifest.of(machine))
    return MachineSummary(
        machine,
        dict(Counter((clip.split, clip.label) for clip in clips)),
        sum(clip.seconds for clip in clips) / 3600,
        tuple(cuts_in(cut_to_train(manifest.of(machine), recipe))),
    )


def _unfit(summary: MachineSummary) -> list[Finding]:
    """List what a machine's clips cannot be used for."""
    findings = []
    if not summary.clips.get(("train", "normal")):
        message = f"{summary.machine}: no normal clip to train on"
        findings.append(Finding(None, "no-training-clip", message))
    test = {label for split, label in summary.clips if split == "test"} - {"unknown"}
    if len(test) == 1:
        message = f"{summary.machine}: every labelled test clip is {test.pop()}; AUC needs both"
        findings.append(Finding(None, "one-class-test", message))
    return findings

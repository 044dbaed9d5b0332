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
from rattle.clips.fingerprint import near_pairs
from rattle.clips.layouts import FolderReading, Scan, scan
from rattle.clips.machine import Machine, twins
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
    folders: tuple[FolderReading, ...]
    machines: tuple[MachineSummary, ...]
    findings: tuple[Finding, ...]

    @property
    def has_errors(self) -> bool:
        return any(finding.severity == "error" for finding in self.findings)


def check(source: Path, recipe: Recipe, *, labels: Path | None = None) -> CheckReport:
    """Decode every recording of a folder or CSV file once and report what is wrong.

    The recipe says which rate and channel are wanted, how long a clip has to be and how many it
    takes to train a machine. ``source`` and ``labels`` are as for ``scan``, which raises
    ``DataError`` when nothing is recognised; anything wrong with single files is a finding and
    raises nothing. The codes of findings are explained in ``rattle.clips.examine`` and below.
    """
    scanned = scan(source, labels=labels, hashed=False)
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
    fit = _fit_normals(scanned.manifest, examined)
    for summary in machines:
        findings += _unfit(summary, fit[summary.machine], recipe.training.minimum_normals)
    findings += [
        Finding(None, "same-name", f"{first} and {second}: their bundles would have the same name")
        for first, second in twins(scanned.manifest.machines())
    ]
    order = sorted(findings, key=lambda f: (f.severity, f.code, str(f.path), f.message))
    return CheckReport(scanned.layout, scanned.folders, machines, tuple(order))


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
    heard = [one for one in examined if one.content_hash and str(one.path) in clip_of]
    same: defaultdict[str, list[Clip]] = defaultdict(list)
    for one in heard:
        same[one.content_hash].append(clip_of[str(one.path)])
    findings = [_repetition(clips, "the same sound as") for clips in same.values() if clips[1:]]
    once = list({one.content_hash: one for one in reversed(heard)}.values())[::-1]
    for first, second, share in near_pairs([one.instants for one in once]):
        clips = [clip_of[str(once[place].path)] for place in (first, second)]
        said = f"nearly the same sound ({share:.0%} of its peaks) as"
        findings.append(_repetition(clips, said, code="near-copy"))
    return findings


def _repetition(clips: list[Clip], said: str, *, code: str = "duplicate") -> Finding:
    train = [clip for clip in clips if clip.split == "train"]
    test = [clip for clip in clips if clip.split == "test"]
    code, first = ("train-test-leak", test[0]) if train and test else (code, clips[0])
    others = ", ".join(
        f"{clip.path} ({clip.machine}, {clip.split} {clip.label})"
        for clip in clips
        if clip is not first
    )
    return Finding(
        Path(first.path),
        code,
        f"{first.machine}, {first.split} {first.label}: {said} {others}; keep one",
    )


def _summary(manifest: Manifest, machine: Machine, recipe: Recipe) -> MachineSummary:
    clips = list(manifest.of(machine))
    return MachineSummary(
        machine,
        dict(Counter((clip.split, clip.label) for clip in clips)),
        sum(clip.seconds for clip in clips) / 3600,
        tuple(cuts_in(cut_to_train(manifest.of(machine), recipe))),
    )


def _fit_normals(manifest: Manifest, examined: Iterable[Examined]) -> Counter[Machine]:
    """Count each machine's clips that training would take; copies count once."""
    by_path = {str(one.path): one for one in examined}
    normals = [(clip, by_path[clip.path]) for clip in manifest.of(split="train", label="normal")]
    sounds = {(clip.machine, one.content_hash): one.fit_clips for clip, one in normals}
    fit: Counter[Machine] = Counter()
    for (machine, _), clips in sounds.items():
        fit[machine] += clips
    return fit


def _unfit(summary: MachineSummary, fit: int, least: int) -> list[Finding]:
    """List what a machine's clips cannot be used for; ``fit`` of them can be learnt from."""
    findings = []
    clips = summary.clips.get(("train", "normal"))
    if not clips:
        message = f"{summary.machine}: no normal clip to train on"
        findings.append(Finding(None, "no-training-clip", message))
    elif fit < least:
        clips += sum(cut.clips - 1 for cut in summary.cuts)
        message = (
            f"{summary.machine}: {fit} of {clips} normal training clips can be learnt from, "
            f"training takes {least} or more; record more of its healthy sound"
        )
        findings.append(Finding(None, "too-few-clips", message))
    test = {label for split, label in summary.clips if split == "test"} - {"unknown"}
    if len(test) == 1:
        message = f"{summary.machine}: every labelled test clip is {test.pop()}; AUC needs both"
        findings.append(Finding(None, "one-class-test", message))
    return findings

"""``rattle rehearse``: try synthetic faults on a machine whose real ones nobody knows yet."""

from __future__ import annotations

import json as jsonlib
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    from rattle.runtime.clip_scorer import ClipScorer, Recording
    from rattle.runtime.rehearsal import Rehearsal

Paths = Annotated[list[Path], Parameter(consume_multiple=True)]


def rehearse(
    bundle: Path,
    healthy: Paths = [],  # noqa: B006 - never changed
    /,
    *,
    seed: int = 0,
    json: bool = False,
    device: str = "auto",
) -> None:
    """Lay synthetic faults over healthy clips, and say which the detector finds, and how loud.

    Six kinds of fault (hiss, hum, impacts, modulation, rattle, rub) from 30 dB below the machine's
    own sound to as loud as it, at the present threshold and at those of other false-alarm rates.
    It is a stand-in where no fault is known: real ones may be louder or quieter, and of other
    kinds.

    Without recordings the healthy clips that the bundle keeps are taken (recipe fleet). Of those
    given none may be one that the detector has learnt from: such are left out, and said. At most 24
    are taken, evenly spread, and of each at most the first 30 s.

    Parameters
    ----------
    bundle
        A .rattle file.
    healthy
        Healthy recordings of the machine, or folders of them, in place of the stored ones.
    seed
        Decides which faults are drawn.
    json
        Print JSON, with every share, its interval and every score.
    device
        auto, cpu, cuda or cuda:N.
    """
    from rattle.cli.terminal.counting import Counting
    from rattle.cli.terminal.rehearsal_lines import rehearsal_lines
    from rattle.cli.terminal.scorers import open_scorer
    from rattle.runtime.rehearsal import rehearse as rehearsed

    scorer = open_scorer(bundle, device=device)
    clips = _clips(bundle, scorer, healthy)
    machine = scorer.info.machine
    with Counting(f"{machine}: clips with a synthetic fault") as counting:
        rehearsal = rehearsed(scorer, clips, seed=seed, on_scored=counting.on_done)
    if json:
        print(jsonlib.dumps(_document(rehearsal, machine, seed), indent=1))
        return
    print("\n".join(rehearsal_lines(rehearsal, machine)))


def _clips(bundle: Path, scorer: ClipScorer, healthy: Sequence[Path]) -> Sequence[Recording]:
    from rattle.bundle import read_bundle
    from rattle.runtime.healthy import fresh_clips, stored_clips

    if not healthy:
        return stored_clips(read_bundle(bundle))
    fresh = fresh_clips(scorer.info, healthy)
    if fresh.learnt:
        print(
            f"rattle: warning: left out, since the detector has learnt from them: {fresh.learnt} "
            f"of the {fresh.learnt + fresh.unlearnt} recordings",
            file=sys.stderr,
        )
    return fresh.paths


def _document(rehearsal: Rehearsal, machine: str, seed: int) -> dict[str, Any]:
    from rattle.runtime.rehearsal import NOTICE

    present = rehearsal.threshold.value
    return {
        "machine": machine,
        "synthetic": NOTICE,
        "seed": seed,
        "threshold": asdict(rehearsal.threshold),
        "healthy": {
            "clips": len(rehearsal.healthy),
            "above": asdict(rehearsal.false_alarms(present)),
            "scores": rehearsal.healthy,
        },
        "half_found_from_db": {
            kind: rehearsal.half_found_from_db(kind, present) for kind in rehearsal.kinds
        },
        "faults": [
            {
                "kind": laid.kind,
                "level_db": laid.level_db,
                "found": asdict(rehearsal.found(present, kind=laid.kind, level_db=laid.level_db)),
                "scores": laid.scores,
            }
            for laid in rehearsal.faults
        ],
        "rates": [
            {
                "asked": threshold.false_alarm_rate,
                "threshold": threshold.value,
                "supported": threshold.supported,
                "found": asdict(rehearsal.found(threshold.value)),
                "healthy_above": asdict(rehearsal.false_alarms(threshold.value)),
            }
            for threshold in rehearsal.thresholds
        ],
    }

"""Make a new machine's detector of what was recorded, and rehearse it.

Synthetic faults are laid over recordings that the head did not learn from, and held against the
threshold that the healthy ones make: before anyone watches by it, one sees what could be heard.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from rattle.bundle.file import Bundle, read_bundle
from rattle.clips.hearing import hear
from rattle.errors import DataError
from rattle.pages.words import counted
from rattle.runtime.clip_scorer import decision_of
from rattle.runtime.enrol_head import enrol_head
from rattle.runtime.graph import shared_graph
from rattle.runtime.rehearsal import rehearse
from rattle.runtime.rehearsal_said import document_of, limits_said
from rattle.runtime.scorer import Scorer
from rattle.scoring.head import Head, evenly
from rattle.station.enrol.states import States

REHEARSED_CLIPS = 6


@dataclass(frozen=True)
class Made:
    """A bundle, and what its page shows of it."""

    bundle: Bundle
    report: dict[str, Any]


def make(
    machine: str,
    folder: Path,
    states: States,
    others: Sequence[Path],
    at: datetime,
    say: Callable[[str], None],
) -> Made:
    """Fit a head to the usable pieces in ``folder``, on the encoder of the bundles ``others``.

    ``say`` hears how far it is, in words. Raises ``DataError`` where too little was recorded,
    ``BundleError`` or ``ClipError`` where something cannot be read.
    """
    recordings = [folder / piece.file for piece in states.usable]
    if not recordings:
        raise DataError("nothing was recorded yet that can be learnt from; let it record on")
    say("Reading the detectors of the other machines.")
    bundles = [read_bundle(path) for path in others]
    bundle = enrol_head(
        machine,
        recordings,
        bundles,
        on_done=lambda done, of: say(f"Hearing the recordings: {done} of {of}."),
    )
    say("Laying synthetic faults over its sound.")
    return Made(bundle, _report(bundle, states, folder, at))


def _report(bundle: Bundle, states: States, folder: Path, at: datetime) -> dict[str, Any]:
    info = bundle.info
    assert bundle.graph is not None  # noqa: S101 - its encoder's
    head = Head.restored(bundle.learnt["head"], info.recipe)
    scorer = Scorer(info, head, shared_graph(bundle.graph), bundle.golden, bundle.identity)
    decision = decision_of(info)
    names = [clip.name for clip in bundle.known.held_out]
    chosen = [names[place] for place in evenly(len(names), REHEARSED_CLIPS)]
    rehearsal = rehearse(scorer, [hear(folder / n, info.recipe.audio).samples for n in chosen])
    tried_on = (
        f"{counted(len(chosen), 'recording')} that its head did not learn from, against the "
        f"threshold at which {info.recipe.scoring.false_alarm_rate:.0%} of healthy recordings are "
        "called anomalous; the budget's, from two hours of listening on, is higher at first"
    )
    return {
        "clips": len(info.provenance.trained) + len(info.provenance.held_out),
        "minutes": round(states.usable_s / 60, 1),
        "starts": states.starts,
        "levels_db": [list(level) for level in states.levels_db],
        "threshold": decision.threshold.value,
        "scored": len(info.held_out) + len(info.cross_fitted),
        "healthy": float(np.mean(np.array(rehearsal.healthy) > decision.threshold.value)),
        "rehearsal": document_of(rehearsal, decision.threshold.value, at, tried_on),
        "limits": list(limits_said(rehearsal)),
    }

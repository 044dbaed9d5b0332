"""Find the sound of reviewed incidents among the stored embeddings, as clips that a head learns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rattle.bundle.known import WINDOWS_A_CLIP, KnownClip, Named
from rattle.clips.clip import KIND
from rattle.runtime.adapt_head import Labelled
from rattle.scoring.budget.rule import AlarmRule
from rattle.scoring.head import evenly
from rattle.station.learn.incidents import Stood
from rattle.station.learn.replay import Voice
from rattle.station.store import embedding_files

HASH = "incident-"
BEFORE = timedelta(seconds=10)
# An incident is looked at for no longer: what it sounds like is known by then.
LONGEST = timedelta(hours=6)
# The embeddings of a minute are stored when it is over; after so long none will come any more.
STORED_WITHIN = timedelta(minutes=2)
A_MOMENT = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Base:
    """The release that every candidate sets out from, so that it does not matter who learnt before.

    ``encoder`` is the hash of its graph, ``rule`` how its machine's alarms are raised.
    """

    release_id: str
    encoder: str
    voice: Voice
    rule: AlarmRule


@dataclass(frozen=True)
class Told:
    """An incident that people called anomalous or normal, and all its windows ``[n, D]``.

    ``clip`` are those that stood out: what a head learns from.
    """

    incident: Stood
    z: NDArray[np.float16]
    clip: Labelled


def labelled(data: Path, incidents: Iterable[Stood], base: Base) -> tuple[list[Told], list[Told]]:
    """Give what people call anomalous and what they call normal, without what the test keeps.

    An incident of which no embedding by the base's encoder is kept any more is left out.
    """
    wrong: list[Told] = []
    right: list[Told] = []
    for incident in incidents:
        if incident.is_test or incident.verdict not in ("anomaly", "normal"):
            continue
        z = _windows(data, incident, base.encoder)
        if z is not None:
            clip = Labelled(_standing_out(z, incident, base))
            (wrong if incident.verdict == "anomaly" else right).append(Told(incident, z, clip))
    return wrong, right


def is_not_stored_yet(data: Path, incident: Stood, now: datetime) -> bool:
    """Say whether an incident began so lately that its first minute is still to be stored."""
    if abs(now - incident.opened) > STORED_WITHIN:
        return False
    since = incident.opened - A_MOMENT  # rows and files round times differently
    return not embedding_files.read(data, incident.source_id, since, since + STORED_WITHIN)


def _windows(data: Path, incident: Stood, encoder: str) -> NDArray[np.float16] | None:
    """Read an incident's windows ``[n, D]`` by an encoder; None where none is kept."""
    until = min(incident.ended, incident.opened + LONGEST) + timedelta(seconds=1)
    # It opened when K of N windows were above: the first of them are before.
    since = incident.opened - BEFORE
    pieces = embedding_files.read(data, incident.source_id, since, until)
    own = [piece.z for piece in pieces if piece.encoder == encoder]
    return np.concatenate(own) if own else None


def _standing_out(z: NDArray[np.float16], incident: Stood, base: Base) -> KnownClip:
    """Choose an incident's windows that stood out.

    Those above the threshold that it passed, or where another head raised it the K highest, K as in
    K of N.
    """
    scores = base.voice.scores(z)
    level = np.sort(scores)[::-1][min(base.rule.passes, len(scores)) - 1]
    if incident.release_id == base.release_id and incident.threshold is not None:
        level = min(level, incident.threshold)
    above = np.flatnonzero(scores >= level)
    windows = z[above[evenly(len(above), WINDOWS_A_CLIP)]].astype(np.float32)
    kind = f"{KIND}{incident.fault or ''}"
    return KnownClip(Named.of(f"{HASH}{incident.id}", f"incident {incident.id}", kind), windows)

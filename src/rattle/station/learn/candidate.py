"""Fit a machine's head to all that people have said, and show what it would change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rattle.bundle.file import Bundle
from rattle.runtime.adapt_head import AdaptedHead, learn_labelled
from rattle.runtime.clip_scorer import mix_of
from rattle.runtime.scorer import Scorer
from rattle.scoring.budget.ledger import Incident, IncidentLevel
from rattle.scoring.head import Head
from rattle.station.learn.gate import Gate, Heard, Source, gate, hear
from rattle.station.learn.incidents import Stood
from rattle.station.learn.labels import Base, labelled
from rattle.station.learn.part import Sample, part_for
from rattle.station.learn.replay import Voice, hop_seconds, replay
from rattle.station.records import Embeddings

# Points of the curve: after so many verdicts, and after all.
STEPS = (0, 1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Stored:
    """What is kept of a machine: embeddings of its sources ``[windows, D]`` and what stood out."""

    sources: Mapping[str, Iterable[Embeddings]]
    stood: Sequence[Stood]
    budget_per_week: float

    def heard_by(self, voices: Sequence[Voice], base: Base, hop_s: float) -> list[list[Source]]:
        """Let heads hear all of it; gives the sources by each."""
        share = self.budget_per_week / max(len(self.sources), 1)
        heard: list[list[Source]] = [[] for _ in voices]
        for source_id, pieces in self.sources.items():
            stood = [each for each in self.stood if each.source_id == source_id]
            replayed = replay(pieces, voices, hop_s, base.rule)
            for own, by in zip(heard, replayed, strict=True):
                own.append(Source(source_id, by, stood, share))
        return heard


@dataclass(frozen=True)
class Point:
    """What a head can do that learnt from the first so many verdicts, by the test's incidents.

    found, silent: of so many faults, and of so many rejected alarms. alarms: elsewhere in the sound
    that is stored.
    """

    verdicts: int
    found: int
    faults: int
    silent: int
    rejected: int
    alarms: int


def voice_of(bundle: Bundle) -> Voice:
    """Take the head of a bundle that was not written yet."""
    head = Head.restored(bundle.learnt["head"], bundle.info.recipe)
    return Voice(head, mix_of(bundle.info))


def learnt_from(stood: Sequence[Stood]) -> dict[str, str]:
    """List the verdicts that a head learns from, by incident."""
    return {
        each.id: each.verdict
        for each in stood
        if each.verdict in ("anomaly", "normal") and not each.is_test
    }


@dataclass(frozen=True)
class Ground:
    """What every head of a machine sets out from.

    bundle, scorer: the base's. data: the folder with all that is stored. samples: of that sound, by
    which it is chosen how far a head goes.
    """

    data: Path
    bundle: Bundle
    scorer: Scorer
    base: Base
    samples: Sequence[Sample]


def fitted(ground: Ground, stood: Sequence[Stood]) -> AdaptedHead | None:
    """Fit the base's head to what is reviewed; None where no sound of it is kept.

    Raises ``DataError`` for a head that cannot learn.
    """
    wrong, right = labelled(ground.data, stood, ground.base)
    if not wrong and not right:
        return None
    hop_s = hop_seconds(ground.scorer)
    part = part_for(ground.bundle, wrong, right, ground.samples, ground.base.rule, hop_s)
    clips = ([each.clip for each in told] for told in (wrong, right))
    return learn_labelled(ground.bundle, ground.scorer, *clips, part=part)


def tried(ground: Ground, stored: Stored, old: Voice, new: Voice) -> tuple[Gate, list[Point]]:
    """Compare two heads on all that is stored, and say what verdict by verdict has brought.

    The points are of heads that learnt from the first verdicts, in the order in which the incidents
    opened; the last is ``new``, which learnt from all.
    """
    told = [each for each in stored.stood if each.id in learnt_from(stored.stood)]
    counts = [count for count in STEPS if count < len(told)]
    heads = [fitted(ground, told[:count]) for count in counts]
    base = ground.base
    before = [base.voice if head is None else voice_of(head.bundle) for head in heads]
    of_old, *others = stored.heard_by([old, *before, new], base, hop_seconds(ground.scorer))
    heard = [hear(sources) for sources in others]
    points = zip([*counts, len(told)], heard, strict=True)
    minutes = sum(len(source.heard.minutes) for source in of_old)
    return (
        gate(hear(of_old), heard[-1], stored.stood, minutes, stored.budget_per_week),
        [_point(count, by, stored.stood) for count, by in points],
    )


def past_of(source: Source) -> list[tuple[str, Incident]]:
    """List what stood out as the ledger of a new head counts it, by incident.

    No refit silences an alarm that was confirmed, whether or not the new head would have raised it.
    What was rejected or not reviewed is there too: people may say something else of it later.
    """
    found: dict[tuple[IncidentLevel, int], tuple[str, Incident]] = {}
    for each in source.stood:
        places = source.heard.within(each.opened, each.ended).nonzero()[0]
        if not len(places):
            continue
        first, last = int(places[0]), int(places[-1])
        peak = float(source.heard.minutes[places].max())
        incident = Incident(each.level, first, last, peak, peak, each.verdict)
        found.setdefault((each.level, first), (each.id, incident))
    return list(found.values())


def _point(count: int, heard: Heard, stood: Sequence[Stood]) -> Point:
    test = [each for each in stood if each.is_test and each.id in heard.incidents]
    faults = [heard.incidents[each.id] for each in test if each.verdict == "anomaly"]
    rejected = [heard.incidents[each.id] for each in test if each.verdict == "normal"]
    return Point(
        count,
        sum(each.found is not None for each in faults),
        len(faults),
        sum(each.found is None for each in rejected),
        len(rejected),
        len(heard.alarms),
    )

"""How far a head goes: as far as faults that it has not learnt are found at less cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from made_up_known import D, MadeUp, clips_at, made_up
from rattle.bundle.file import Bundle
from rattle.bundle.known import KnownClip
from rattle.runtime.adapt_head import Labelled
from rattle.scoring.budget.rule import AlarmRule
from rattle.station.learn.incidents import Stood
from rattle.station.learn.labels import Told
from rattle.station.learn.part import FIRST, PARTS, Sample, part_for
from rattle.station.records import Embeddings

BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
HOUR = 3600
HOP_S = 1.0
NOBODY: list[Told] = []


def bundle_of(machine: MadeUp) -> Bundle:
    info = machine.info(machine.refit(machine.known))
    learnt = {"head": machine.head.arrays()}
    return Bundle(info, learnt, (), machine.known)


def told(clips: Sequence[KnownClip]) -> list[Told]:
    return [Told(stood(number), clip.z, Labelled(clip)) for number, clip in enumerate(clips)]


def stood(number: int) -> Stood:
    at = BEGIN + timedelta(days=1, minutes=30 * number)
    return Stood(
        id=f"incident {number}",
        source_id="s",
        release_id=None,
        level="alarm",
        opened=at,
        ended=at + timedelta(minutes=1),
        threshold=None,
        verdict="anomaly",
        fault=None,
    )


def healthy(hours: int = 4) -> Sample:
    """Sound as that of the normals, with hours that differ a little."""
    rng = np.random.default_rng(8)
    pieces = []
    for hour in range(hours):
        z = 1 + rng.normal(0, 0.05) + rng.normal(0, 0.2, (HOUR, D))
        ends = BEGIN.timestamp() + HOUR * hour + HOP_S * np.arange(1, HOUR + 1)
        pieces.append(Embeddings("s", "encoder", ends, z.astype(np.float16)))
    return Sample("s", pieces, [], 1.0)


def chosen(machine: MadeUp, wrong: Sequence[KnownClip], *samples: Sample) -> float:
    return part_for(bundle_of(machine), told(wrong), NOBODY, samples, AlarmRule(), HOP_S)


# Windows of a minute that differ from healthy ones in one direction, of which no outlier tells.
FAULTS = clips_at(1, 10, seed=4, windows=60, faulty=0.7)


def test_faults_that_are_alike_and_missed_so_far_are_followed() -> None:
    assert chosen(made_up("bce"), FAULTS, healthy()) >= 1 / 8


def test_healthy_sound_that_is_called_faulty_leads_hardly_anywhere() -> None:
    """Ten clips may seem to tell of something by chance, as any two samples do."""
    wrong = [clips_at(1, 10, seed=seed, windows=60) for seed in range(20, 31)]
    parts = [chosen(made_up("bce"), clips, healthy()) for clips in wrong]
    assert np.median(parts) <= FIRST


def test_faults_that_are_found_already_move_nothing() -> None:
    loud = clips_at(-1, 10, seed=7, windows=60)
    assert chosen(made_up("bce+ddcsad"), loud, healthy()) == 0


@pytest.mark.parametrize(("count", "expected"), [(0, 0.0), (1, FIRST)])
def test_of_too_few_faults_nothing_can_be_chosen(count: int, expected: float) -> None:
    assert chosen(made_up("bce"), FAULTS[:count], healthy()) == expected


def test_of_too_little_sound_nothing_can_be_chosen() -> None:
    assert chosen(made_up("bce"), FAULTS, healthy(0)) == FIRST


def test_few_faults_take_a_head_less_far_than_many() -> None:
    few = chosen(made_up("bce"), FAULTS[:2], healthy())
    assert few <= 2 / 10
    assert few in PARTS

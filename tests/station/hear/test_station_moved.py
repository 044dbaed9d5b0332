"""A microphone that was moved is asked about after a day; what changes in an hour is not."""

from __future__ import annotations

import numpy as np
from hearing_kit import BEGAN, Kit
from numpy.typing import NDArray

from rattle.clips.recorder import BANDS, Traits
from rattle.station.hear.moved import Placement
from rattle.station.judge.troubles import MOVED

SHAPE = np.linspace(-30, -60, BANDS)


def hear(
    placement: Placement,
    hours: int,
    louder: float = 0.0,
    bands: NDArray[np.float64] | None = None,
    seed: int = 0,
) -> list[str]:
    """Hours of running with the usual scatter of a decibel; gives what it asked each hour."""
    rng = np.random.default_rng(seed)
    asked = []
    for _ in range(hours):
        for _ in range(60):
            shape = SHAPE + louder + rng.normal(0, 1, BANDS) + (0 if bands is None else bands)
            question = placement.minute(Traits(None, "", -25 + louder, tuple(shape.tolist())))
        asked.append(question)
    return asked


def test_a_day_that_is_louder_than_those_before_is_asked_about_and_then_usual() -> None:
    placement = Placement()
    assert set(hear(placement, 72)) == {""}
    asked = hear(placement, 60, louder=9.0)
    first = next(n for n, question in enumerate(asked) if question)
    assert 10 <= first <= 24
    assert asked[first] == f"{MOVED} for a day the machine sounds 9 dB louder than before"
    assert set(asked[first : first + 24]) == {asked[first]}
    assert set(asked[first + 24 :]) == {""}


def test_another_colour_at_the_same_level_is_asked_about() -> None:
    placement = Placement()
    hear(placement, 72)
    asked = hear(placement, 24, bands=np.where(np.arange(BANDS) > 9, -12.0, 0.0))
    assert asked[-1].startswith(f"{MOVED} for a day 6 of 16 frequency bands differ")


def test_a_tone_of_a_fault_is_no_moved_microphone() -> None:
    placement = Placement()
    hear(placement, 72)
    assert set(hear(placement, 48, bands=np.where(np.arange(BANDS) == 5, 20.0, 0.0))) == {""}


def test_some_loud_hours_are_not_asked_about() -> None:
    placement = Placement()
    hear(placement, 72)
    for day in range(3):
        assert set(hear(placement, 8, louder=10.0, seed=day)) == {""}
        assert set(hear(placement, 16, seed=day)) == {""}


def test_someone_who_looked_ends_the_question() -> None:
    placement = Placement()
    hear(placement, 72)
    assert hear(placement, 24, louder=9.0)[-1]
    placement.accept()
    assert set(hear(placement, 48, louder=9.0)) == {""}


def test_its_memory_is_eight_days() -> None:
    placement = Placement()
    hear(placement, 24 * 10)
    assert len(placement._hours) == 24 * 8


def test_a_review_of_the_question_ends_the_incident() -> None:
    kit = Kit()
    kit.troubles["mic"].say("moved", f"{MOVED} 9 dB louder", BEGAN)
    [opened] = kit.told
    kit.ear.microphone_reviewed("another", BEGAN)
    assert len(kit.told) == 1
    kit.ear.microphone_reviewed(opened.id, BEGAN)  # type: ignore[union-attr]
    assert [each.state for each in kit.told] == ["open", "ended"]  # type: ignore[union-attr]

"""A rehearsal in words."""

from __future__ import annotations

import pytest

from rattle import Threshold
from rattle.runtime.rehearsal import LaidOver, Rehearsal
from rattle.runtime.rehearsal_said import heard_said, limits_said, percent, unsupported_said


def rehearsal(healthy: tuple[float, ...] = (0, 0, 0, 1), **scores: list[float]) -> Rehearsal:
    """Of each kind the share found at -20, -10 and 0 dB, of four clips at threshold 0.5."""
    threshold = Threshold(0.5, 0.05, 0.01, 0.2, 19)
    return Rehearsal(
        threshold,
        (threshold,),
        healthy,
        tuple(
            LaidOver(kind, level_db, tuple(float(place < share * 4) for place in range(4)))
            for kind, shares in scores.items()
            for level_db, share in zip((-20.0, -10.0, 0.0), shares, strict=True)
        ),
    )


def test_it_says_of_each_kind_from_where_on_it_is_heard() -> None:
    said = rehearsal(
        hum=[0, 0.5, 1],
        rub=[1, 1, 1],
        hiss=[0, 0, 0.25],
        impacts=[0, 0, 0.5],
        rattle=[0, 0.25, 0.75],
    )
    assert list(heard_said(said, said.threshold.value)) == [
        "hum: half are found from -10 dB on, quieter than the machine by a factor of 3.2.",
        "rub: half or more are found at every level from -20 dB on, quieter than the machine by a "
        "factor of 10.",
        "hiss: fewer than half are found even at 0 dB, as loud as the machine.",
        "impacts: half are found from 0 dB on, as loud as the machine.",
        "rattle: half are found from -5 dB on, quieter than the machine by a factor of 1.8.",
    ]


def test_what_is_found_just_below_the_machines_level_is_as_loud_as_it() -> None:
    threshold = Threshold(0.5, 0.05, 0.01, 0.2, 19)
    faults = tuple(
        LaidOver("hum", level_db, scores)
        for level_db, scores in ((-0.5, (0.0, 0.0)), (0.0, (1.0, 1.0)))
    )
    said = Rehearsal(threshold, (threshold,), (0.0, 0.0), faults)
    assert list(heard_said(said, said.threshold.value)) == [
        "hum: half are found from 0 dB on, as loud as the machine."
    ]


def test_it_says_what_healthy_clips_give_and_what_so_few_can_show() -> None:
    assert list(limits_said(rehearsal(hum=[0, 0, 0]))) == [
        "Without a fault 1 of 4 healthy clips is above the threshold.",
        "On 4 clips a share of 50 % stands for anything from 15 % to 85 %.",
    ]


def test_it_warns_where_the_healthy_clips_alarm_by_themselves() -> None:
    said = list(limits_said(rehearsal((1, 1, 1, 1), hum=[1, 1, 1])))
    assert said[0] == "Without a fault 4 of 4 healthy clips are above the threshold."
    assert said[1].startswith("That is more than the threshold allows for (20 % at most)")
    assert "check that they are healthy" in said[1]


def test_it_names_the_rates_that_the_held_out_clips_cannot_show() -> None:
    thresholds = tuple(Threshold(0.5, rate, 0.0, 0.3, 12) for rate in (0.005, 0.01, 0.1))
    assert unsupported_said(thresholds) == (
        "12 healthy clips cannot show a false-alarm rate of 0.5 %, 1 %: there the "
        "threshold is the highest score among them."
    )
    assert unsupported_said(thresholds[-1:]) is None


@pytest.mark.parametrize(
    ("share", "written"), [(0, "0 %"), (0.004, "0.4 %"), (0.01, "1 %"), (0.5, "50 %"), (1, "100 %")]
)
def test_percent_has_a_digit_where_there_is_little(share: float, written: str) -> None:
    assert percent(share) == written

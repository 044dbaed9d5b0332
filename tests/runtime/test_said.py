"""What an explanation says: what differs, what is reacted to, and where the two disagree."""

from __future__ import annotations

from made_up_explanation import HIGH, LOW, explanation, line
from rattle.diagnosis.difference import Difference
from rattle.runtime.explanation import Near, Reaction
from rattle.runtime.said import differences_said, near_said, reactions_said

MOST = 5


def said(*differences: Difference, reactions: list[Reaction], most: int = MOST, **of) -> list[str]:
    return list(reactions_said(explanation(differences, reactions, **of), most))


# What differs


def test_what_stands_out_is_said_the_most_unusual_first_and_no_more_than_asked_for() -> None:
    told = explanation([line(3000, 4), line(500, 3), line(90, 2)])
    every = differences_said(told, MOST)
    assert [text.split(",")[0] for text in every] == [
        "a line at 3",
        "a line at 500 Hz",
        "a line at 90 Hz",
    ]
    assert all(text.endswith("above the loudest of 24 healthy clips") for text in every)
    assert differences_said(told, 2) == every[:2]


def test_what_healthy_clips_have_too_or_reach_by_chance_is_not_said() -> None:
    assert differences_said(explanation([line(90, 3, rank=1), line(500, 0.9)]), MOST) == []


# What is reacted to


def test_the_strongest_bands_are_named_with_the_score_without_them() -> None:
    bands = [Reaction(*LOW, 0.3), Reaction(1000, 1414, 0.1), Reaction(*HIGH, 0.5)]
    first, *_ = said(line(3000), reactions=bands)
    assert first == (
        "The detector reacts most to 2,800 to 4,000 Hz (with a healthy clip's sound there the "
        "score would be 0.4), 500 to 710 Hz (0.6), 1,000 to 1,400 Hz (0.8)."
    )


def test_no_more_than_three_bands_are_named() -> None:
    bands = [Reaction(hz, hz * 1.4, 0.3) for hz in (100, 200, 300, 400, 500)]
    (first, *_) = said(reactions=bands)
    assert first.count("Hz") == 3


def test_the_bands_edges_are_named_as_a_person_would() -> None:
    (first, *_) = said(reactions=[Reaction(0, 31.25, 0.3), Reaction(44.2, 62.5, 0.2)])
    assert "0 to 31 Hz" in first
    assert "44 to 62 Hz" in first


def test_where_what_differs_is_what_is_heard_no_more_is_said() -> None:
    assert len(said(line(3000), reactions=[Reaction(*HIGH, 0.5)])) == 1


def test_a_strongest_band_where_nothing_stands_out_is_to_be_listened_to() -> None:
    _, *more = said(line(3000), reactions=[Reaction(*LOW, 0.5), Reaction(*HIGH, 0.2)])
    assert more == ["Nothing was measured to stand out from 500 to 710 Hz: listen there."]
    # A weaker one is no reason to.
    assert len(said(line(3000), reactions=[Reaction(*LOW, 0.2), Reaction(*HIGH, 0.5)])) == 1


def test_what_it_does_not_react_to_is_named_by_its_number_in_the_list() -> None:
    lines, bands = [line(3000), line(90), line(1200), line(5000)], [Reaction(*HIGH, 0.5)]
    assert said(*lines[:2], reactions=bands)[-1] == "It hardly reacts to what 2 says."
    assert said(*lines[:3], reactions=bands)[-1] == "It hardly reacts to what 2 and 3 say."
    assert said(*lines, reactions=bands)[-1] == "It hardly reacts to what 2, 3 and 4 say."
    # No number that the list does not have.
    assert said(*lines, reactions=bands, most=2)[-1] == "It hardly reacts to what 2 says."
    assert len(said(*lines, reactions=bands, most=1)) == 1


def test_a_detector_that_reacts_to_all_bands_a_little_says_so() -> None:
    (only,) = said(line(3000), reactions=[Reaction(*LOW, 0.01), Reaction(*HIGH, -0.2)])
    assert only.startswith("The detector reacts to no single band")


def test_of_a_clip_that_is_no_alarm_and_of_none_tried_nothing_is_said() -> None:
    assert said(line(3000), reactions=[Reaction(*HIGH, 0.2)], score=0.4) == []
    assert said(line(3000), reactions=[]) == []


# What is near


def test_the_clips_that_it_is_most_like_are_named_where_there_are_any() -> None:
    both = explanation(normal=Near("ok.wav", 0.12345), anomaly=Near("bearing.wav", 2.0))
    assert list(near_said(both)) == [
        "Most like the healthy clip ok.wav (distance 0.123).",
        "Most like the anomalous clip bearing.wav (distance 2).",
    ]
    assert list(near_said(explanation())) == []

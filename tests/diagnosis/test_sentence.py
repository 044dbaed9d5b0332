"""Sentences that an engineer can check by ear."""

from __future__ import annotations

import pytest

from rattle.diagnosis.difference import Difference
from rattle.diagnosis.sentence import sentence

LINE = {"low_hz": 1234.4, "high_hz": 1234.4, "centre_hz": 1234.4, "lines_hz": (1234.4,)}


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        (
            Difference("line", 3, decibels=12.3, beyond_db=9.1, rank=0, **LINE),  # type: ignore[arg-type]
            "a line at 1,234 Hz, 12 dB louder than usual; "
            "9 dB above the loudest of 60 healthy clips",
        ),
        (
            Difference("line", 3, decibels=-7, beyond_db=-0.2, rank=0, **LINE),  # type: ignore[arg-type]
            "a line at 1,234 Hz, 7 dB softer than usual; "
            "just below the softest of 60 healthy clips",
        ),
        (
            Difference(
                "line",
                3,
                411,
                1233,
                12.3,
                9.1,
                0,
                centre_hz=1233,
                lines_hz=(411, 822, 1233),
                harmonics_of_hz=411,
            ),
            "3 harmonics of 411 Hz (411, 822, 1,233 Hz), at 1,233 Hz 12 dB louder than usual; "
            "9 dB above the loudest of 60 healthy clips",
        ),
        (
            Difference(
                "moved",
                3,
                69,
                69,
                5,
                4,
                0,
                centre_hz=69.0,
                lines_hz=(69,),
                usual_hz=(66.9, 67.1, 67.2),
            ),
            "the line of 67.1 Hz lies at 69.0 Hz, 2.8 % higher; in 60 healthy clips it lies from "
            "66.9 to 67.2 Hz",
        ),
        (
            Difference("pulse", 3, 3007, 8000, 15, 12, 0, centre_hz=124.1, lines_hz=(124.1,)),
            "pulses 124 times a second between 3,000 and 8,000 Hz, 15 dB more than usual; "
            "12 dB above the loudest of 60 healthy clips",
        ),
        (
            Difference("band", 2, 2083, 3380, 12, 4, 0, start_s=3.2, end_s=4.66),
            "12 dB louder than usual between 2,100 and 3,400 Hz, above all from 3.2 s to 4.7 s; "
            "4 dB above the loudest of 60 healthy clips",
        ),
        (
            Difference("band", 2, 9500, 19600, 2, -1, 1),
            "2 dB louder than usual between 9.5 and 20.0 kHz; "
            "1 of 60 healthy clips is as far from usual",
        ),
        (
            Difference("time", 2, 60, 8000, -9, -2, 0, start_s=3.2, end_s=4.6, longest_s=1.12),
            "quiet from 3.2 s to 4.6 s between 60 and 8,000 Hz: the longest such pause in 60 "
            "healthy clips is 1.1 s",
        ),
        (
            Difference("time", 2, 60, 8000, 6, 2, 0, start_s=3.21, end_s=3.24, scale_s=0.06),
            "6 dB louder at 3.2 s between 60 and 8,000 Hz than the loudest moment usually is; "
            "2 dB above the loudest of 60 healthy clips",
        ),
        (
            Difference("level", 2, 0, 8000, -4, -3, 0),
            "4 dB softer than usual as a whole; 3 dB below the softest of 60 healthy clips",
        ),
    ],
)
def test_a_difference_is_said_in_a_sentence(difference: Difference, expected: str) -> None:
    assert sentence(difference, clips=60) == expected

"""What the live checks say of sound that is known: each fault is said by its own check alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soxr
from enrol_kit import RATE_HZ, machine, noise, pieces_of, spoken, tones

from rattle.station.enrol.checks import Check, checked
from rattle.station.enrol.hum import hum_of
from rattle.station.enrol.piece import Piece, Samples

GOOD = noise(60)
ABOUT_SOUND = ("Microphone", "Level", "Clipping", "Hum", "Speech", "Bandwidth")


def look(pieces: list[Piece], name: str) -> Check:
    return next(each for each in checked(machine(), pieces, 1200, 8.0).checks if each.name == name)


def faulty(pieces: list[Piece]) -> set[str]:
    every = checked(machine(), pieces, 1200, 8.0).checks
    return {each.name for each in every if not each.is_fine and each.name in ABOUT_SOUND}


def test_good_sound_passes_all_of_them() -> None:
    assert faulty(pieces_of(GOOD)) == set()
    assert look(pieces_of(GOOD), "Level").said.startswith("-30 dBFS")


@pytest.mark.parametrize("mains_hz", [49.9, 50, 60])
def test_hum_is_told_with_its_mains_and_its_share(mains_hz: float) -> None:
    pieces = pieces_of(GOOD + tones(60, mains_hz))
    assert faulty(pieces) == {"Hum"}
    # Four lines of 0.05 are 0.005 of power beside 0.001 of noise.
    said = look(pieces, "Hum").said
    assert f"{round(mains_hz)} Hz" in said
    assert "83%" in said


def test_faint_hum_is_said_and_no_fault() -> None:
    pieces = pieces_of(GOOD + tones(60, 50, level=0.003))
    assert faulty(pieces) == set()
    assert "That is little" in look(pieces, "Hum").said


def test_the_tones_of_a_machine_are_no_hum() -> None:
    at_s = np.arange(10 * RATE_HZ) / RATE_HZ
    motor = sum(0.05 * np.sin(2 * np.pi * 24.3 * k * at_s) for k in range(1, 12))
    assert hum_of((noise(10) + motor).astype(np.float32), RATE_HZ) is None


def test_clipping_is_told() -> None:
    pieces = pieces_of(np.clip(GOOD * 20, -1, 1))
    assert "Clipping" in faulty(pieces)
    assert "full scale" in look(pieces, "Clipping").said


def test_sound_that_is_too_soft_is_told() -> None:
    assert faulty(pieces_of(noise(60, -68.0))) == {"Level"}


@pytest.mark.parametrize(
    ("sound", "words"),
    [(np.zeros(60 * RATE_HZ, np.float32), "silent"), (np.tile(noise(1.0), 60), "again and again")],
    ids=["silent", "frozen"],
)
def test_a_microphone_that_does_not_work_is_told(sound: Samples, words: str) -> None:
    pieces = pieces_of(sound)
    assert faulty(pieces) == {"Microphone"}
    assert words in look(pieces, "Microphone").todo


def test_speech_is_told_and_not_learnt_from(tmp_path: Path) -> None:
    sound = noise(60, -45)
    voice = spoken(tmp_path)
    sound[: len(voice)] += voice[: len(sound)]
    pieces = pieces_of(sound)
    assert faulty(pieces) == {"Speech"}
    with_speech = [piece for piece in pieces if piece.has_speech]
    usable = checked(machine(), pieces, 1200, 8.0).states.usable
    assert with_speech
    assert not {*with_speech} & {*usable}


def test_a_codec_that_cuts_off_the_top_is_told() -> None:
    # Eight kilohertz a second reach to four.
    narrow = soxr.resample(noise(60), RATE_HZ, 6_000, "HQ")
    assert faulty(pieces_of(narrow, 6_000)) == {"Bandwidth"}


def test_checks_look_at_what_was_heard_last() -> None:
    bad = pieces_of(np.clip(noise(60, -6), -1, 1))
    assert "Clipping" in faulty(bad)
    assert "Clipping" not in faulty([*bad, *pieces_of(noise(300))])

"""The physical parts that synthetic machines are made of."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from rattle.synthetic.bearing import Bearing, inner_race, outer_race
from rattle.synthetic.colour import LONGEST_REMEMBERED, Colour, Peak, noise, noise_gain
from rattle.synthetic.hall import background
from rattle.synthetic.impacts import Mode, ring, strike
from rattle.synthetic.level import rms
from rattle.synthetic.room import Room, heard_in
from rattle.synthetic.running import Running, Sticking, stroke_starts
from rattle.synthetic.shaft import one_turn, read_around, turns_at
from rattle.synthetic.wander import wander

RATE_HZ = 16_000
BEARING = Bearing(
    balls=9, ball_to_pitch=0.25, contact_angle_rad=0.2, resonance_hz=3500, decay_s=0.001
)


def steady(shaft_hz: float, seconds: float) -> Running:
    frames = round(seconds * RATE_HZ)
    silence = np.zeros(frames, np.float32)
    turns = np.arange(frames) * shaft_hz / RATE_HZ
    return Running(silence, turns, np.ones(frames, np.float32), np.empty(0, np.int64))


def line_over_floor_db(envelope: np.ndarray, frequency_hz: float) -> float:
    """Level of the strongest bin within 1.5 % of a frequency over the median around it."""
    spectrum = np.abs(np.fft.rfft(envelope - envelope.mean())) ** 2
    bins_hz = np.fft.rfftfreq(len(envelope), 1 / RATE_HZ)
    line = spectrum[np.abs(bins_hz / frequency_hz - 1) < 0.015].max()
    floor = np.median(spectrum[np.abs(bins_hz / frequency_hz - 1) < 0.3])
    return float(10 * np.log10(line / floor))


def test_noise_has_rms_one_and_the_power_of_its_colour_in_each_band():
    colour = Colour(100, 1000, 6, (Peak(3000, 10, 20),))
    samples = noise(colour, 40 * RATE_HZ, RATE_HZ, np.random.default_rng(1))
    assert rms(samples) == pytest.approx(1, abs=0.02)

    power = np.abs(np.fft.rfft(samples)) ** 2
    bins_hz = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)
    expected = colour.magnitude(bins_hz) ** 2
    bands = [(200, 400), (800, 1200), (2900, 3100), (5000, 7000)]
    measured, wanted = (
        np.array([p[(bins_hz > low) & (bins_hz < high)].mean() for low, high in bands])
        for p in (power, expected)
    )
    assert_allclose(10 * np.log10(measured / wanted), np.log10(measured / wanted)[0] * 10, atol=0.5)


def test_noise_is_gaussian_though_its_bins_are_not():
    samples = noise(Colour(20, 4000, 3), 20 * RATE_HZ, RATE_HZ, np.random.default_rng(2))
    assert np.mean(samples**4) / np.mean(samples**2) ** 2 == pytest.approx(3, abs=0.1)


def test_gains_of_a_clip_are_remembered_and_those_of_minutes_are_not():
    def gain(frames: int) -> np.ndarray:
        return noise_gain(Colour(20, 4000, 3), frames, RATE_HZ)

    assert gain(10 * RATE_HZ) is gain(10 * RATE_HZ)
    assert gain(LONGEST_REMEMBERED + 1) is not gain(LONGEST_REMEMBERED + 1)


def test_wander_has_its_deviation_and_forgets_within_its_relaxation_time():
    path = wander(600 * 1000, 1000, np.random.default_rng(3), deviation=0.5, relaxation_s=0.5)
    assert np.std(path) == pytest.approx(0.5, rel=0.1)
    later = np.corrcoef(path[:-500], path[500:])[0, 1]
    assert later == pytest.approx(np.exp(-1), abs=0.08)


def test_a_tone_read_around_a_shaft_lies_at_order_times_rate():
    turns = turns_at(25, 2 * RATE_HZ, RATE_HZ, np.random.default_rng(4), deviation=0)
    tone = read_around(one_turn((0, 0, 2.0)), turns)
    spectrum = np.abs(np.fft.rfft(tone)) / len(tone) * 2
    assert np.argmax(spectrum) / 2 == 75
    assert spectrum.max() == pytest.approx(2, rel=1e-3)
    assert np.sort(spectrum)[-2] < 1e-3


def test_a_ring_decays_as_told_and_leaves_out_what_the_rate_cannot_carry():
    sound = ring((Mode(1000, 0.01), Mode(20_000, 0.01)), RATE_HZ)
    assert_allclose(sound, ring((Mode(1000, 0.01),), RATE_HZ))
    assert rms(sound[160:320]) / rms(sound[:160]) == pytest.approx(np.exp(-1), rel=0.02)


def test_blows_land_where_they_should_and_those_outside_are_dropped():
    at = np.array([-1, 2, 9, 10])
    sound = strike(10, at, np.array([5.0, 1.0, 2.0, 7.0]), np.array([1, 0.5], np.float32))
    assert_allclose(sound, [0, 0, 1, 0.5, 0, 0, 0, 0, 0, 2])


@pytest.mark.parametrize("frames", [800, 16_000, 16_001])
def test_a_room_is_a_circular_convolution_with_its_impulse_response(frames):
    room = Room((0.004, 0.01), (0.5, -0.3), decay_60_s=0.3, late_gain=0.4, seed=5)
    samples = np.random.default_rng(5).standard_normal(frames).astype(np.float32)
    full = np.convolve(samples, room.impulse_response(RATE_HZ))
    folded = np.pad(full, (0, -len(full) % frames)).reshape(-1, frames).sum(axis=0)
    assert_allclose(heard_in(room, samples, RATE_HZ), folded, atol=1e-3)


def test_bearing_rates_of_the_outer_and_inner_race_add_up_to_the_balls():
    assert BEARING.outer_per_turn + BEARING.inner_per_turn == pytest.approx(BEARING.balls)
    assert BEARING.outer_per_turn == pytest.approx(4.5 * (1 - 0.25 * np.cos(0.2)))


@pytest.mark.parametrize(
    ("race", "per_turn"),
    [(outer_race, BEARING.outer_per_turn), (inner_race, BEARING.inner_per_turn)],
)
def test_the_envelope_of_a_spall_has_a_line_at_its_passing_rate(race, per_turn):
    sound = race(steady(30, 10), BEARING, RATE_HZ, np.random.default_rng(6))
    assert line_over_floor_db(np.abs(sound), 30 * per_turn) > 15
    assert line_over_floor_db(np.abs(sound), 30 * per_turn * 1.23) < 12


def test_an_inner_spall_is_louder_once_a_turn_and_an_outer_one_is_not():
    running, rng = steady(30, 10), np.random.default_rng(7)
    inner, outer = (race(running, BEARING, RATE_HZ, rng) for race in (inner_race, outer_race))
    assert line_over_floor_db(np.abs(inner), 30) > 15
    assert line_over_floor_db(np.abs(outer), 30) < 10


def test_a_bearing_at_rest_is_silent():
    frames = RATE_HZ
    still = Running(*(np.zeros(frames, np.float32) for _ in range(3)), np.empty(0, np.int64))
    assert not np.any(outer_race(still, BEARING, RATE_HZ, np.random.default_rng(8))[100:])


def test_a_worse_sticking_is_later_and_misses_whatever_a_milder_one_misses():
    def strokes(severity: float) -> tuple[np.ndarray, np.ndarray]:
        return stroke_starts(
            1.0,
            60,
            np.random.default_rng(9),
            jitter_s=0.01,
            slack_s=0.3,
            sticking=Sticking(severity, np.random.default_rng(10)),
        )

    healthy = stroke_starts(
        1.0, 60, np.random.default_rng(9), jitter_s=0.01, slack_s=0.3, sticking=None
    )
    none, mild, severe = strokes(0.0), strokes(0.4), strokes(1.0)
    assert_allclose(none[0], healthy[0])
    assert none[1].all()
    assert np.all(healthy[0] <= mild[0])
    assert np.all(mild[0] <= severe[0])
    assert np.all(severe[0] - healthy[0] <= 0.3)
    assert not np.any(severe[1] & ~mild[1])
    assert 0 < np.sum(~mild[1]) < np.sum(~severe[1]) < 35


def test_a_hall_has_rms_one_and_never_sounds_the_same_twice():
    rng = np.random.default_rng(11)
    first, second = (background(5 * RATE_HZ, RATE_HZ, rng, seed=1) for _ in range(2))
    assert rms(first) == pytest.approx(1, rel=1e-4)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.3

"""Synthetic machines: what is heard of them, healthy and faulty."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.signal import butter, sosfiltfilt

from rattle.errors import DataError
from rattle.synthetic import FAULTS_OF_TYPE, MACHINE_TYPES, Specimen
from rattle.synthetic.fan import Fan
from rattle.synthetic.hall import background
from rattle.synthetic.level import rms
from rattle.synthetic.running import Sticking

RATE_HZ = 16_000
EVERY_FAULT = [(type_, fault) for type_, faults in FAULTS_OF_TYPE.items() for fault in faults]


def alone(specimen: Specimen, number: int, fault: str | None = None, severity: float = 0.0):
    rng = np.random.default_rng(number)
    return specimen.run(seconds=5, sample_rate_hz=RATE_HZ, rng=rng, fault=fault, severity=severity)


def clip(
    specimen: Specimen,
    number: int,
    fault: str | None = None,
    severity: float = 0.0,
    *,
    snr_db: float = 0.0,
    seconds: float = 4,
):
    return specimen.record(
        seconds=seconds,
        sample_rate_hz=RATE_HZ,
        snr_db=snr_db,
        rng=np.random.default_rng(number),
        fault=fault,
        severity=severity,
    )


def band_levels_db(samples: np.ndarray) -> np.ndarray:
    """Mean and deviation over time of the level in 40 bands, evenly spaced above 60 Hz in log."""
    windows = np.lib.stride_tricks.sliding_window_view(samples, 1024)[::512] * np.hanning(1024)
    power = np.abs(np.fft.rfft(windows, axis=1)) ** 2
    edges = np.unique(np.rint(np.geomspace(4, 512, 41)).astype(int))
    bands = np.stack([power[:, a:b].mean(axis=1) for a, b in pairwise(edges)])
    level = 10 * np.log10(bands + 1e-10)
    return np.concatenate([level.mean(axis=1), level.std(axis=1)])


def auc(normal: np.ndarray, anomaly: np.ndarray) -> float:
    return float(np.mean(anomaly[:, None] > normal[None, :]))


def test_four_types_and_six_faults_and_every_fault_has_a_type():
    assert len(MACHINE_TYPES) >= 4
    assert len({fault for _, fault in EVERY_FAULT}) >= 6
    assert FAULTS_OF_TYPE.keys() == MACHINE_TYPES.keys()


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_fan_has_its_blade_pass_line_where_shaft_and_blades_put_it(index):
    fan = Specimen.of("synth_fan", index, seed=3).machine
    assert isinstance(fan, Fan)
    running = fan.run(8 * RATE_HZ, RATE_HZ, np.random.default_rng(1))
    shaft_hz = (running.turns[-1] - running.turns[0]) / 8
    assert shaft_hz == pytest.approx(fan.shaft_hz, rel=0.06)

    window = np.hanning(len(running.samples))
    spectrum = np.abs(np.fft.rfft(running.samples * window)) ** 2
    bins_hz = np.fft.rfftfreq(len(window), 1 / RATE_HZ)
    blade_pass_hz = shaft_hz * fan.blades
    near = np.abs(bins_hz / blade_pass_hz - 1)
    assert spectrum[near < 0.01].max() > 50 * np.median(spectrum[near < 0.1])


def test_the_envelope_line_at_bpfo_is_there_in_a_spalled_bearing_and_not_in_a_healthy_one():
    specimen = Specimen.of("synth_pump", 0, seed=1)
    rate_hz = specimen.machine.shaft_hz * specimen.bearing.outer_per_turn
    resonance_hz = specimen.bearing.resonance_hz
    band = butter(4, [0.85 * resonance_hz, 1.15 * resonance_hz], "band", fs=RATE_HZ, output="sos")

    def line(fault: str | None) -> float:
        envelope = np.abs(sosfiltfilt(band, alone(specimen, 2, fault, 1.0 if fault else 0.0)))
        spectrum = np.abs(np.fft.rfft(envelope - envelope.mean())) ** 2
        bins_hz = np.fft.rfftfreq(len(envelope), 1 / RATE_HZ)
        near = np.abs(bins_hz / rate_hz - 1)
        return spectrum[near < 0.03].max() / np.median(spectrum[near < 0.3])

    assert line("bearing_outer") > 5 * line(None)


@pytest.mark.parametrize("type_", MACHINE_TYPES)
@pytest.mark.parametrize("snr_db", [-6.0, 6.0])
def test_a_healthy_machine_stands_over_the_hall_by_the_snr_asked_for(type_, snr_db):
    specimen = Specimen.of(type_, 1, seed=2)
    ratios = []
    for number in range(6):
        rng = np.random.default_rng(number)
        machine_rng, hall_rng, _ = rng.spawn(3)
        machine = specimen.run(seconds=4, sample_rate_hz=RATE_HZ, rng=machine_rng)
        hall = background(len(machine), RATE_HZ, hall_rng, seed=2) * 10 ** (-snr_db / 20)
        mixed = clip(specimen, number, snr_db=snr_db)
        assert np.corrcoef(mixed, machine + hall)[0, 1] == pytest.approx(1, abs=1e-5)
        ratios.append(20 * np.log10(rms(machine) / rms(hall)))
    assert np.mean(ratios) == pytest.approx(snr_db, abs=1.5)


@pytest.mark.parametrize("type_", MACHINE_TYPES)
def test_recordings_have_a_usual_level_and_are_not_clipped(type_):
    for index in range(3):
        for number, fault in enumerate((None, *FAULTS_OF_TYPE[type_])):
            samples = clip(Specimen.of(type_, index), number, fault, 1.0 if fault else 0.0)
            assert -32 < 20 * np.log10(rms(samples)) < -18
            assert np.abs(samples).max() < 1


@pytest.mark.parametrize(("type_", "fault"), EVERY_FAULT)
def test_a_fault_of_severity_zero_is_the_healthy_sound_and_grows_from_there(type_, fault):
    specimen = Specimen.of(type_, 0)
    healthy = alone(specimen, 4)
    assert_array_equal(alone(specimen, 4, fault, 0.0), healthy)
    if fault == "stuck":
        return  # its growth is in the strokes: test_synthetic_parts
    added = [rms(alone(specimen, 4, fault, severity) - healthy) for severity in (0.25, 0.5, 1.0)]
    assert added[1] / added[0] == pytest.approx(2, rel=1e-3)
    assert added[2] / added[0] == pytest.approx(4, rel=1e-3)
    assert added[2] > 0.03


@pytest.mark.parametrize("type_", ["synth_valve", "synth_slider"])
def test_a_stuck_machine_knocks_less_often_and_is_silent_where_a_stroke_is_missing(type_):
    machine = Specimen.of(type_, 0).machine
    healthy = machine.run(20 * RATE_HZ, RATE_HZ, np.random.default_rng(5))
    sticking = Sticking(1.0, np.random.default_rng(6))
    stuck = machine.run(20 * RATE_HZ, RATE_HZ, np.random.default_rng(5), sticking)
    assert len(stuck.knocks) < 0.85 * len(healthy.knocks)

    def longest_silence_s(samples: np.ndarray) -> float:
        sounding = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
        return float(np.diff(sounding).max() / RATE_HZ)

    assert (
        longest_silence_s(stuck.samples) > longest_silence_s(healthy.samples) + machine.period_s / 2
    )


@pytest.mark.parametrize("type_", MACHINE_TYPES)
def test_ids_of_a_type_differ_more_than_clips_of_an_id(type_):
    levels = np.array(
        [
            [band_levels_db(alone(Specimen.of(type_, index), number)) for number in range(4)]
            for index in range(3)
        ]
    )
    own = levels.mean(axis=1)
    within = np.sqrt(np.mean((levels - own[:, None]) ** 2))
    between = min(np.sqrt(np.mean((own[a] - own[b]) ** 2)) for a, b in [(0, 1), (0, 2), (1, 2)])
    assert between > 1.5 * within


def test_the_same_generator_gives_the_same_clip_and_another_seed_another_machine():
    specimen = Specimen.of("synth_fan", 0, seed=7)
    assert_array_equal(clip(specimen, 1), clip(Specimen.of("synth_fan", 0, seed=7), 1))
    assert not np.array_equal(clip(specimen, 1), clip(specimen, 2))
    assert Specimen.of("synth_fan", 0, seed=8).machine != specimen.machine


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 48_000])
@pytest.mark.parametrize("type_", MACHINE_TYPES)
def test_machines_can_be_recorded_at_any_rate(type_, rate_hz):
    samples = Specimen.of(type_, 0).record(
        seconds=2, sample_rate_hz=rate_hz, snr_db=0, rng=np.random.default_rng(0)
    )
    assert samples.shape == (2 * rate_hz,)
    assert samples.dtype == np.float32
    assert -34 < 20 * np.log10(rms(samples)) < -18


def test_a_plain_nearest_neighbour_hears_severe_faults_but_not_mild_ones():
    """The demo is neither hopeless nor a foregone conclusion."""
    severe, mild = [], []
    for type_, faults in FAULTS_OF_TYPE.items():
        specimen = Specimen.of(type_, 0)
        train = np.array([band_levels_db(clip(specimen, n)) for n in range(24)])
        centre, spread = train.mean(axis=0), train.std(axis=0)

        def distance(clips: list[np.ndarray]) -> np.ndarray:
            own = (np.array([band_levels_db(c) for c in clips]) - centre) / spread  # noqa: B023
            known = (train - centre) / spread  # noqa: B023
            return np.min(np.sum((own[:, None] - known[None]) ** 2, axis=2), axis=1)

        normal = distance([clip(specimen, 100 + n) for n in range(12)])
        for fault in faults:
            severe.append(
                auc(normal, distance([clip(specimen, n, fault, 1.0) for n in range(200, 205)]))
            )
            mild.append(
                auc(normal, distance([clip(specimen, n, fault, 0.1) for n in range(300, 305)]))
            )
    assert np.mean(severe) > 0.85
    assert np.mean(np.array(severe) > 0.7) > 0.75
    assert np.mean(mild) < 0.75


def test_unknown_types_and_faults_and_severities_are_refused():
    with pytest.raises(DataError, match="choose from synth_fan"):
        Specimen.of("fan", 0)
    with pytest.raises(DataError, match="synth_fan has no fault 'leak'"):
        clip(Specimen.of("synth_fan", 0), 0, "leak", 0.5)
    with pytest.raises(DataError, match=r"severity is 1\.5"):
        clip(Specimen.of("synth_fan", 0), 0, "rub", 1.5)

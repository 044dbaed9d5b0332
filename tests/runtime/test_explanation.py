"""Why a clip is an alarm: the band that the score comes from, and what is near."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import rattle
from made_up_known import D, clips_at, made_up
from rattle import BundleError, ClipError, Detector, Machine, Manifest
from rattle.bundle import Bundle, read_bundle
from rattle.clips.hearing import Heard, hear_samples
from rattle.clips.pcm16 import from_16_bit, to_16_bit
from rattle.diagnosis.reference import Reference
from rattle.runtime.clip_scorer import NamedParts
from rattle.runtime.explanation import Explanation, Reaction, bands, explain
from rattle.runtime.scorer import Scorer
from rattle.scoring.clip import ClipParts, Embedded, Mix
from rattle.scoring.decision import Decision
from rattle.scoring.score import Scale

FAN = Machine("synth_fan", "id_00")
RATE_HZ, SECONDS = 16_000, 2.0
Samples = np.ndarray
Band = tuple[float, float]

# Two of the bands that are tried at 16 kHz, and a frequency in the second one.
LOW, HIGH, IN_HIGH = (500.0, 500 * 2**0.5), (2000 * 2**0.5, 4000.0), 3210.0


def energy(samples: Samples, band: Band) -> float:
    """The mean square of what is in a band."""
    hz = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)
    inside = (hz >= band[0]) & (hz < band[1])
    return float(2 * (np.abs(np.fft.rfft(samples)[inside]) ** 2).sum() / len(samples) ** 2)


@dataclass(frozen=True)
class Ear:
    """Hears one band and nothing else: its energy is the score."""

    band: Band
    loudest: float = 0.0
    z: float = 1.0
    factor: float = 1.0

    @property
    def decision(self) -> Decision:
        return Decision.of(np.full(20, self.loudest), 0.05)

    def mix(self) -> Mix:
        return Mix(0.5, Scale(0.0, 1.0))

    def heard(self, clip: Samples) -> Heard:
        return hear_samples(clip, RATE_HZ)

    def judged(self, name: str, heard: Heard) -> NamedParts:
        return NamedParts(name, self.parts(heard.samples), "")

    def parts(self, samples: Samples) -> ClipParts:
        heard = energy(samples, self.band) * self.factor
        return ClipParts(np.zeros(1), None, np.array([heard]))

    def is_too_short(self, samples: Samples) -> bool:
        return len(samples) < 1000

    def embed(self, samples: Samples) -> Embedded:
        return Embedded(np.zeros(1), np.full((1, D), self.z, np.float32))


def noise(seed: int) -> Samples:
    rng = np.random.default_rng(seed)
    return (0.05 * rng.standard_normal(round(SECONDS * RATE_HZ))).astype(np.float32)


def tone(hz: float, amplitude: float = 0.02) -> Samples:
    at_s = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ
    return (amplitude * np.sin(2 * np.pi * hz * at_s)).astype(np.float32)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """A machine that sounds like noise; nothing is in the healthy clip that is put in its place."""
    machine = made_up("bce+ddcsad")
    return Bundle(
        machine.info(machine.refit(machine.known)),
        {},
        golden=(to_16_bit(0 * noise(0)),),
        known=machine.known,
        reference=Reference.of((noise(seed) for seed in range(12)), RATE_HZ),
    )


@pytest.fixture(scope="module")
def faulty() -> Samples:
    """A clip with a line that no healthy clip has."""
    return noise(100) + tone(IN_HIGH)


def explained(bundle: Bundle, ear: Ear, clip: Samples) -> Explanation:
    return explain(bundle, ear, clip)  # type: ignore[arg-type]


# What the detector reacts to


@pytest.mark.parametrize("band", [LOW, HIGH, (0.0, 31.25)])
def test_the_strongest_reaction_is_to_the_band_that_the_score_comes_from(
    bundle: Bundle, faulty: Samples, band: Band
) -> None:
    golden = to_16_bit(noise(7) / 2)
    told = explained(replace(bundle, golden=(golden,)), Ear(band), faulty)
    fall = energy(faulty, band) - energy(from_16_bit(golden), band)
    (heard,) = told.heard
    assert (heard.low_hz, heard.high_hz) == pytest.approx(band)
    assert heard.fall == pytest.approx(fall, rel=1e-4)
    for other in told.reactions:
        if other != heard:
            assert other.fall == pytest.approx(0, abs=1e-4 * fall)
    assert [(each.low_hz, each.high_hz) for each in told.reactions] == bands(RATE_HZ)


def test_a_healthy_clip_of_another_length_is_repeated_or_cut(
    bundle: Bundle, faulty: Samples
) -> None:
    """Where it sounds the same all the time, what is put in is the same."""
    hum = tone(1000, 0.1)
    expected = energy(faulty, (1000.0, 1000 * 2**0.5)) - 0.1**2 / 2
    for golden in (hum[:8000], np.tile(hum, 3)):
        told = explained(
            replace(bundle, golden=(to_16_bit(golden),)), Ear((1000.0, 1000 * 2**0.5)), faulty
        )
        falls = {round(each.low_hz): each.fall for each in told.reactions}
        # Louder there than the clip is: the score rises.
        assert falls[1000] == pytest.approx(expected, rel=1e-3)
        assert told.heard == ()


def test_a_band_counts_where_the_score_falls_by_a_tenth_of_what_is_above_the_threshold(
    bundle: Bundle, faulty: Samples
) -> None:
    told = explained(bundle, Ear(HIGH), faulty)
    score = told.score.score
    for fall, is_heard in ((0.051, True), (0.049, False)):
        reaction = Reaction(*LOW, fall * score)
        other = replace(told, score=replace(told.score, threshold=score / 2), reactions=(reaction,))
        assert (other.heard == (reaction,)) is is_heard
    # Of a clip that is no alarm each fall counts, and a rise never does.
    rise, fall = Reaction(*LOW, -0.1), Reaction(*HIGH, 1e-6)
    normal = replace(told, score=replace(told.score, threshold=score + 1), reactions=(rise, fall))
    assert normal.heard == (fall,)


def test_the_strongest_is_told_first_and_all_are_listed_by_frequency(
    bundle: Bundle, faulty: Samples
) -> None:
    told = explained(bundle, Ear((0.0, RATE_HZ / 2)), faulty)
    lows = [each.low_hz for each in told.reactions]
    assert lows == sorted(lows)
    falls = [each.fall for each in told.heard]
    assert falls == sorted(falls, reverse=True)
    assert len(falls) > 1


def test_without_a_stored_clip_no_reaction_is_tried(bundle: Bundle, faulty: Samples) -> None:
    told = explained(replace(bundle, golden=()), Ear(HIGH), faulty)
    assert told.reactions == told.heard == told.unmeasured == ()
    assert told.telling


@pytest.mark.parametrize("rate_hz", [1000, 8000, 16_000, 22_050, 44_100, 48_000, 192_000])
def test_the_bands_cover_all_frequencies_without_gap_or_overlap(rate_hz: int) -> None:
    tried = bands(rate_hz)
    assert tried[0][0] == 0
    assert tried[-1][1] == rate_hz / 2
    assert all(one[1] == other[0] for one, other in pairwise(tried))
    for low, high in tried[1:-1]:
        assert high / low == pytest.approx(2**0.5)
    # The last one takes what is left, half an octave or a little more or less.
    low, high = tried[-1]
    assert 2**0.25 <= high / low <= 2**0.75


# Where what differs and what is reacted to disagree


def test_where_both_agree_nothing_is_unheard_or_unmeasured(bundle: Bundle, faulty: Samples) -> None:
    told = explained(bundle, Ear(HIGH), faulty)
    assert told.telling[0].kind == "line"
    assert told.telling[0].centre_hz == pytest.approx(IN_HIGH, abs=2)
    assert told.telling[0] not in told.unheard
    assert told.unmeasured == ()


def test_a_line_that_the_detector_does_not_hear_is_named_and_so_is_what_it_hears_instead(
    bundle: Bundle, faulty: Samples
) -> None:
    told = explained(bundle, Ear(LOW), faulty)
    assert told.telling[0] in told.unheard
    assert told.unheard[0].centre_hz == pytest.approx(IN_HIGH, abs=2)
    assert told.unmeasured == told.heard
    assert [(each.low_hz, each.high_hz) for each in told.heard] == [pytest.approx(LOW)]


def test_a_level_is_nowhere_and_is_never_unheard(bundle: Bundle) -> None:
    told = explained(bundle, Ear(LOW, factor=0.0), 4 * noise(100))
    assert [each.kind for each in told.telling] == ["level"]
    assert told.heard == told.unheard == ()


# What is near


def test_the_nearest_clips_are_named_with_how_far_they_are(bundle: Bundle, faulty: Samples) -> None:
    near, far = clips_at(1, 1, seed=21), clips_at(3, 1, seed=22)
    fault = clips_at(1.5, 1, seed=23)
    known = replace(bundle.known, normals=(*far, *near), anomalies=(*far, *fault))
    told = explained(replace(bundle, known=known), Ear(HIGH, z=1.2), faulty)
    assert told.normal is not None
    assert told.anomaly is not None
    assert (told.normal.name, told.anomaly.name) == ("21-0.wav", "23-0.wav")
    apart = np.square(near[0].z.astype(np.float64) - 1.2).mean(axis=1)
    assert told.normal.distance == pytest.approx(apart.min(), rel=1e-5)


def test_a_clip_that_is_known_is_nearest_to_itself(bundle: Bundle, faulty: Samples) -> None:
    itself = replace(bundle.known.normals[3], z=np.full((2, D), 1.2, np.float32))
    known = replace(bundle.known, normals=(*bundle.known.normals[:3], itself))
    told = explained(replace(bundle, known=known), Ear(HIGH, z=1.2), faulty)
    assert told.normal is not None
    assert (told.normal.name, told.normal.distance) == (itself.name, 0)
    assert told.anomaly is None


# What is refused


def test_a_bundle_without_a_reference_is_refused_and_it_is_said_what_to_do(
    bundle: Bundle, faulty: Samples
) -> None:
    with pytest.raises(BundleError, match="no reference of its healthy clips; train it again"):
        explained(replace(bundle, reference=None), Ear(HIGH), faulty)


def test_a_model_that_gives_no_number_is_no_normal_clip(bundle: Bundle, faulty: Samples) -> None:
    with pytest.raises(ClipError, match="not a finite number"):
        explained(bundle, Ear(HIGH, factor=np.nan), faulty)


# A trained machine


def test_by_a_graph_and_by_its_network_a_clip_is_explained_alike(
    exported_fleet_file: Path, clips: Manifest
) -> None:
    path = clips.of(FAN, split="test", label="anomaly").table["path"][0]
    detector = Detector.load(exported_fleet_file, device="cpu")
    by_torch = explain(detector, detector, path)
    by_graph = explain(read_bundle(exported_fleet_file), Scorer.load(exported_fleet_file), path)
    assert by_graph.differences == by_torch.differences
    assert by_graph.healthy == by_torch.healthy == 12
    assert by_torch.score == detector.score([path])[0]
    assert by_graph.score.score == pytest.approx(by_torch.score.score, abs=1e-4)
    for ours, theirs in zip(by_graph.reactions, by_torch.reactions, strict=True):
        assert (ours.low_hz, ours.high_hz) == (theirs.low_hz, theirs.high_hz)
        assert ours.fall == pytest.approx(theirs.fall, abs=1e-3)
    assert by_graph.normal is not None
    assert by_torch.normal is not None
    assert by_graph.normal.name == by_torch.normal.name
    assert by_graph.normal.distance == pytest.approx(by_torch.normal.distance, rel=1e-3)


def test_a_clip_that_it_learnt_from_is_the_nearest(
    exported_fleet_file: Path, clips: Manifest
) -> None:
    ear, bundle = Scorer.load(exported_fleet_file), read_bundle(exported_fleet_file)
    known = bundle.known.normals[2]
    (path,) = (clip.path for clip in clips if clip.content_hash == known.hash)
    told = explain(bundle, ear, path)
    assert told.normal is not None
    assert told.normal.name == known.name


def test_a_baseline_is_explained_too_and_knows_no_clip(
    clips: Manifest, fleet: dict[Machine, Detector]
) -> None:
    recipe = fleet[FAN].recipe.for_method("knn")
    baseline = rattle.fit(clips, FAN, recipe=recipe, device="cpu")
    path = clips.of(FAN, split="test", label="anomaly").table["path"][0]
    told = explain(baseline, baseline, path)
    assert told.score == baseline.score([path])[0]
    assert (told.normal, told.anomaly) == (None, None)
    assert any(each.fall != 0 for each in told.reactions)
    assert told.differences


def test_of_a_long_recording_the_piece_around_its_highest_window_is_explained(
    exported_fleet_file: Path, clips: Manifest
) -> None:
    ear, bundle = Scorer.load(exported_fleet_file), read_bundle(exported_fleet_file)
    healthy = from_16_bit(bundle.golden[0])
    long = np.resize(healthy, 40 * RATE_HZ)
    begin = 25 * RATE_HZ
    at_s = np.arange(RATE_HZ // 2) / RATE_HZ
    long[begin : begin + len(at_s)] += np.float32(0.2) * np.sin(2 * np.pi * 1234 * at_s)
    long = long.astype(np.float32)
    told = explain(bundle, ear, long)
    whole = ear.score([long])[0]
    highest = max(whole.windows, key=lambda window: window.score)
    assert told.start_s is not None
    assert told.end_s is not None
    assert told.start_s <= highest.start_s + 0.1 < told.end_s
    assert told.end_s - told.start_s == pytest.approx(len(healthy) / RATE_HZ)
    piece = long[round(told.start_s * RATE_HZ) : round(told.end_s * RATE_HZ)]
    assert told.score.score == pytest.approx(ear.score([piece])[0].score)
    times = [each for each in told.differences if each.start_s is not None]
    assert times
    assert all(told.start_s <= each.start_s <= each.end_s <= told.end_s + 0.1 for each in times)


def test_a_clip_that_is_not_long_is_explained_whole(bundle: Bundle, faulty: Samples) -> None:
    told = explained(bundle, Ear(LOW), faulty)
    assert (told.start_s, told.end_s) == (None, None)

"""Enrol by the head alone, by the encoder's graph: as ``rattle.enrol`` does, without torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

import rattle
from rattle import DataError, Detector, Machine, Manifest, Recipe
from rattle.bundle import Bundle, write_bundle
from rattle.runtime.adapt_head import learn
from rattle.runtime.enrol_head import enrol_head
from rattle.runtime.scorer import Scorer

FAN, VALVE = Machine("synth_fan", "id_00"), Machine("synth_valve", "id_00")


@pytest.fixture(scope="module")
def parent(clips: Manifest, tiny_fleet: Recipe) -> Bundle:
    """A valve's bundle, of a training that knew no fan."""
    return rattle.export(rattle.fit(clips.of(VALVE), VALVE, recipe=tiny_fleet)).bundle()


@pytest.fixture(scope="module")
def enrolled(parent: Bundle, clips: Manifest) -> Bundle:
    return enrol_head(str(FAN), _healthy(clips), [parent])


@pytest.fixture(scope="module")
def file(enrolled: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("enrolled") / "fan.rattle"
    write_bundle(enrolled, path)
    return path


def test_the_encoder_is_the_parents_and_the_head_is_not(parent: Bundle, enrolled: Bundle) -> None:
    assert enrolled.encoder_identity == parent.encoder_identity
    assert enrolled.graph == parent.graph
    assert not np.array_equal(enrolled.learnt["head"]["weight"], parent.learnt["head"]["weight"])
    assert enrolled.info.amplitude != parent.info.amplitude
    assert enrolled.info.provenance.parent == parent.identity


def test_it_scores_as_what_rattle_enrol_makes_of_the_same_clips(
    parent: Bundle, enrolled: Bundle, clips: Manifest, tmp_path: Path
) -> None:
    by_torch = rattle.enrol(Detector.of(parent), clips.of(FAN), FAN)
    assert enrolled.info.amplitude.deviation == pytest.approx(by_torch.info.amplitude.deviation)
    by_torch.save(tmp_path / "torch.rattle")
    write_bundle(enrolled, tmp_path / "graph.rattle")
    test = [clip.path for clip in clips.of(split="test")]
    one, other = (
        np.array([clip.score for clip in Scorer.load(tmp_path / name).score(test)])
        for name in ("torch.rattle", "graph.rattle")
    )
    # Other clips are held out, and the outliers are fewer: near, not the same.
    assert np.corrcoef(one, other)[0, 1] > 0.95


def test_it_knows_its_own_machine_from_the_others(file: Path, clips: Manifest) -> None:
    scorer = Scorer.load(file)
    ours, others = (
        [clip.posterior for clip in scorer.score([c.path for c in clips.of(machine, split="test")])]
        for machine in (FAN, VALVE)
    )
    assert np.mean(ours) > 0.5 > np.mean(others)


def test_the_bundle_is_whole_and_can_learn_later(file: Path, clips: Manifest) -> None:
    detector = Detector.load(file, device="cpu")
    assert detector.verify() < 1e-4  # torch and the graph, as in an export
    fault = next(iter(clips.of(FAN, split="test", label="anomaly")))
    assert learn(file, [fault.path]).bundle.info.provenance.anomalies == (fault.content_hash,)
    assert rattle.adapt(detector, [fault.path], device="cpu").machine == FAN


def test_every_clip_is_scored_by_a_head_that_did_not_learn_it(
    enrolled: Bundle, clips: Manifest
) -> None:
    info = enrolled.info
    assert {clip.clip for clip in info.cross_fitted} == {*info.provenance.trained}
    assert len(info.held_out) + len(info.cross_fitted) == len(_healthy(clips))


def test_what_is_held_out_is_a_stretch_of_time(enrolled: Bundle, clips: Manifest) -> None:
    order = [clip.content_hash for clip in clips.of(FAN, split="train", label="normal")]
    places = sorted(order.index(hash_) for hash_ in enrolled.info.provenance.held_out)
    assert places == list(range(places[0], places[-1] + 1))


def test_recordings_that_are_not_fit_are_left_out(
    parent: Bundle, clips: Manifest, tmp_path: Path
) -> None:
    silent, twice = tmp_path / "silent.wav", tmp_path / "twice.wav"
    soundfile.write(silent, np.zeros(48_000, np.float32), 16_000)
    first = _healthy(clips)[0]
    twice.write_bytes(first.read_bytes())
    info = enrol_head(str(FAN), [*_healthy(clips), silent, twice], [parent]).info
    assert len({*info.provenance.trained, *info.provenance.held_out}) == len(_healthy(clips))


def test_too_few_recordings_are_refused(parent: Bundle, clips: Manifest) -> None:
    with pytest.raises(DataError, match=r"3 of 3 recordings are fit .* 8 are needed"):
        enrol_head(str(FAN), _healthy(clips)[:3], [parent])


def test_a_machine_of_the_encoders_fleet_is_refused(parent: Bundle, clips: Manifest) -> None:
    with pytest.raises(DataError, match="synth_valve/id_00 is one of the machines"):
        enrol_head(str(VALVE), _healthy(clips), [parent])


@pytest.mark.parametrize("loss", ["bce", "dsad", "ddcsad", "bce+dsad"])
def test_every_loss_enrols(clips: Manifest, tiny_fleet: Recipe, loss: str) -> None:
    valve = rattle.fit(clips.of(VALVE), VALVE, recipe=tiny_fleet.for_method(loss))
    made = enrol_head(str(FAN), _healthy(clips), [rattle.export(valve).bundle()])
    assert np.isfinite([clip.score for clip in made.info.golden]).all()


def _healthy(clips: Manifest) -> list[Path]:
    return [Path(clip.path) for clip in clips.of(FAN, split="train", label="normal")]

"""A detector from fit to decision, on a tiny synthetic machine."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from rattle import BundleError, ClipError, DataError, Detector, Machine, Manifest, Recipe, fit
from rattle.clips.reading import read_clip
from rattle.detector.finish import make
from rattle.detector.job import Watch
from rattle.detector.own import OwnJob
from rattle.errors import TrainingError
from rattle.learning import substitutes
from rattle.learning.train import Step
from rattle.scoring.clip import Unscored

FAN = Machine("synth_fan", "id_00")
RATE_HZ = 16_000


def noise(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal(round(seconds * RATE_HZ))).astype(np.float32)


def unheard(clips: Manifest) -> list[str]:
    return list(clips.of(FAN, split="test").table["path"])


# Scores


def test_scores_come_in_the_order_given(detector: Detector, clips: Manifest) -> None:
    files = unheard(clips)
    scored = detector.score(files)
    backwards = detector.score(files[::-1])
    assert [clip.path for clip in scored] == files
    assert backwards == scored[::-1]
    assert len({clip.score for clip in scored}) == len(files)


def test_an_array_scores_as_the_file_it_was_read_from(detector: Detector, clips: Manifest) -> None:
    file = unheard(clips)[0]
    of_file, of_array = detector.score([file, read_clip(Path(file))])
    assert of_array.path == "samples"
    assert dataclasses.replace(of_array, path=file) == of_file


def test_a_fixed_score_does_not_depend_on_the_other_clips(
    detector: Detector, clips: Manifest
) -> None:
    files = unheard(clips)
    together = detector.score([*files, noise(3)])
    assert together[2] == detector.score([files[2]])[0]


def test_the_fixed_score_is_equation_5_of_its_windows(detector: Detector, clips: Manifest) -> None:
    low, high = detector.info.scale.low, detector.info.scale.high
    for clip in detector.score(unheard(clips)):
        scores = [
            detector.info.alpha * (1 - window.posterior)
            + (1 - detector.info.alpha) * (window.distance - low) / (high - low)
            for window in clip.windows
        ]
        assert [window.score for window in clip.windows] == pytest.approx(scores)
        assert clip.score == pytest.approx(np.mean(scores))
        assert clip.posterior == pytest.approx(np.mean([w.posterior for w in clip.windows]))
        assert clip.distance == pytest.approx(np.mean([w.distance for w in clip.windows]))


def test_the_paper_scale_spans_the_distances_of_the_scored_clips(
    detector: Detector, clips: Manifest
) -> None:
    scored = detector.score(unheard(clips), scale="paper")
    distances = np.array([[window.distance for window in clip.windows] for clip in scored])
    scaled = (distances - distances.min()) / (distances.max() - distances.min())
    gaps = 1 - np.array([[window.posterior for window in clip.windows] for clip in scored])
    expected = (detector.info.alpha * gaps + (1 - detector.info.alpha) * scaled).mean(axis=1)
    assert [clip.score for clip in scored] == pytest.approx(list(expected))


def test_a_decision_is_a_score_above_the_threshold(detector: Detector, clips: Manifest) -> None:
    sounds = [*unheard(clips), noise(3)]
    scored = detector.score(sounds)
    assert {clip.threshold for clip in scored} == {detector.threshold.value}
    assert [clip.anomalous for clip in scored] == [
        clip.score > detector.threshold.value for clip in scored
    ]


def test_the_threshold_of_two_held_out_clips_is_the_larger_score_and_says_so(
    detector: Detector, clips: Manifest
) -> None:
    held_out = set(detector.info.provenance.held_out)
    files = [clip.path for clip in clips.of(FAN) if clip.content_hash in held_out]
    scores = [clip.score for clip in detector.score(files)]
    assert len(scores) == 2
    assert detector.threshold.value == pytest.approx(max(scores))
    assert "2 healthy clips cannot show" in (detector.threshold.warning or "")


def test_a_long_recording_gets_a_sliding_window(detector: Detector) -> None:
    hop_s = 512 / RATE_HZ
    brief, short = detector.score([noise(3), noise(29)])
    (long,) = detector.score([noise(33)])
    starts = [window.start_s for window in long.windows]
    assert len(brief.windows) == detector.recipe.scoring.windows
    # Of more frames than three windows hold, as many windows as cover them.
    assert len(short.windows) == -(-(1 + 29 * RATE_HZ // 512) // 64)
    # A second is 31.25 frames; the last window of 64 frames ends with the clip's last frame.
    assert np.diff(starts)[:-1] == pytest.approx(31 * hop_s)
    assert starts[-1] == pytest.approx((1 + 33 * RATE_HZ // 512 - 64) * hop_s)


def test_the_timeline_shows_where_a_long_recording_changes(
    detector: Detector, clips: Manifest
) -> None:
    healthy = np.tile(read_clip(Path(clips.of(FAN, split="train").table["path"][0])), 12)
    changed = healthy.copy()
    changed[20 * RATE_HZ : 24 * RATE_HZ] = 20 * noise(4)
    (before,), (after,) = detector.score([healthy]), detector.score([changed])
    moved = [
        window.start_s
        for window, as_before in zip(after.windows, before.windows, strict=True)
        if window != as_before
    ]
    window_s = 64 * 512 / RATE_HZ
    assert moved
    assert min(moved) > 20 - window_s - 0.1
    assert max(moved) < 24 + 0.1


def test_a_clip_shorter_than_a_window_is_scored(detector: Detector) -> None:
    (clip,) = detector.score([noise(1)])
    assert [window.start_s for window in clip.windows] == [0.0]
    assert np.isfinite(clip.score)


# Recordings that cannot be scored


def test_an_unreadable_clip_is_an_error_of_score_and_a_result_of_score_each(
    detector: Detector, clips: Manifest, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF of nothing")
    files = [unheard(clips)[0], str(broken), unheard(clips)[1]]
    with pytest.raises(ClipError, match=r"broken\.wav: cannot be read"):
        detector.score(files)
    for scale in ("fixed", "paper"):
        first, second, third = detector.score_each(files, scale=scale)
        assert isinstance(second, Unscored)
        assert second.path == str(broken)
        assert "cannot be read" in second.reason
        assert [first, third] == detector.score([files[0], files[2]], scale=scale)


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (np.zeros(0, np.float32), "an array of samples is empty"),
        (np.zeros((2, RATE_HZ), np.float32), "more channels than samples"),
        (np.zeros(RATE_HZ, np.int16), "samples of type int16"),
        (np.full(RATE_HZ, np.nan, np.float32), "hold NaN"),
    ],
    ids=["empty", "turned over", "integers", "nan"],
)
def test_an_array_that_is_no_sound_is_refused(
    detector: Detector, samples: NDArray[np.float32], said: str
) -> None:
    with pytest.raises(ClipError, match=said):
        detector.score([samples])


def test_no_clips_give_no_scores(detector: Detector) -> None:
    assert detector.score([]) == []
    assert detector.score([], scale="paper") == []


# Save and load


def test_a_loaded_detector_scores_bit_for_bit_as_before(
    detector: Detector, bundle_file: Path, clips: Manifest
) -> None:
    loaded = Detector.load(bundle_file, device="cpu")
    sounds = [*unheard(clips), noise(33)]
    assert loaded.score(sounds) == detector.score(sounds)
    assert loaded.info == detector.info
    assert loaded.machine == FAN
    assert loaded.threshold == detector.threshold


def test_saving_a_loaded_detector_writes_the_same_bytes(bundle_file: Path, tmp_path: Path) -> None:
    Detector.load(bundle_file).save(tmp_path / "again.rattle")
    assert (tmp_path / "again.rattle").read_bytes() == bundle_file.read_bytes()


def test_verify_scores_the_stored_clips_as_stated(bundle_file: Path) -> None:
    loaded = Detector.load(bundle_file, device="cpu")
    assert len(loaded.golden) == 2
    assert loaded.verify() == pytest.approx(0, abs=1e-6)


def test_verify_notices_other_weights(bundle_file: Path) -> None:
    loaded = Detector.load(bundle_file, device="cpu")
    with torch.no_grad():
        for weight in loaded.model.encoder.parameters():
            weight.mul_(1.1)
    assert loaded.verify() > 1e-3


def test_weights_of_another_network_are_refused(detector: Detector, tmp_path: Path) -> None:
    wider = detector.recipe.with_values(network={"channels": 8})
    info = detector.info.model_copy(update={"recipe": wider})
    dataclasses.replace(detector, info=info).save(tmp_path / "odd.rattle")
    with pytest.raises(BundleError, match=r"odd\.rattle: its head takes embeddings of 8 numbers"):
        Detector.load(tmp_path / "odd.rattle")


def test_a_centroid_of_another_size_is_refused(detector: Detector, tmp_path: Path) -> None:
    head = dataclasses.replace(detector.model.head, centres=np.zeros((1, 3), np.float32))
    model = dataclasses.replace(detector.model, head=head)
    dataclasses.replace(detector, model=model).save(tmp_path / "odd.rattle")
    with pytest.raises(BundleError, match=r"odd\.rattle is damaged: .* vectors .*'centres': 3"):
        Detector.load(tmp_path / "odd.rattle")


def test_stored_clips_without_a_stated_score_are_refused(
    detector: Detector, tmp_path: Path
) -> None:
    dataclasses.replace(detector, golden=detector.golden[:1]).save(tmp_path / "odd.rattle")
    with pytest.raises(BundleError, match=r"odd\.rattle: its stored clips"):
        Detector.load(tmp_path / "odd.rattle")


# Fit


@pytest.mark.parametrize("loss", ["bce", "dsad", "ddcsad", "bce+dsad", "bce+ddcsad"])
def test_every_loss_gives_a_bundle_that_scores(
    loss: str, clips: Manifest, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    recipe = tiny_recipe.with_values(loss={"name": loss}, training={"iterations": 2})
    path = tmp_path / "one.rattle"
    fit(clips, FAN, recipe=recipe, device="cpu").save(path)
    loaded = Detector.load(path, device="cpu")
    for clip in loaded.score(unheard(clips)):
        assert np.isfinite(clip.score)
        assert (clip.posterior is None) == (loss in ("dsad", "ddcsad"))
        assert (clip.distance is None) == (loss == "bce")
    assert loaded.verify() == pytest.approx(0, abs=1e-6)


def test_the_same_seed_gives_the_same_detector_and_another_seed_another(
    detector: Detector, clips: Manifest, factory: Path, tiny_recipe: Recipe
) -> None:
    files = unheard(clips)
    again = fit(factory, "synth_fan/id_00", recipe=tiny_recipe, device="cpu")
    other = fit(clips, FAN, recipe=tiny_recipe, device="cpu", seed=1)
    assert again.score(files) == detector.score(files)
    assert other.score(files) != detector.score(files)


def test_training_sees_no_test_clip_and_no_held_out_clip(
    detector: Detector, clips: Manifest
) -> None:
    origin = detector.info.provenance
    normals = set(clips.of(FAN, split="train").table["content_hash"])
    assert set(origin.trained) | set(origin.held_out) == normals
    assert not set(origin.trained) & set(origin.held_out)
    assert (len(origin.trained), len(origin.held_out)) == (10, 2)


def test_validation_clips_choose_the_alpha_of_the_largest_auc(
    clips: Manifest, tiny_recipe: Recipe
) -> None:
    recipe = tiny_recipe.with_values(scoring={"alpha": 0.3})
    job = OwnJob(clips, FAN, recipe, validation=clips.of(split="test"), device="cpu")
    (found,) = make(job)
    labels = [clip.label == "anomaly" for clip in clips.of(FAN, split="test")]

    def area(alpha: float) -> float:
        info = found.info.model_copy(update={"alpha": alpha})
        scored = dataclasses.replace(found, info=info).score(unheard(clips))
        return float(roc_auc_score(labels, [clip.score for clip in scored]))

    areas = {alpha: area(alpha) for alpha in (round(0.1 * step, 1) for step in range(11))}
    best = [alpha for alpha, value in areas.items() if value == max(areas.values())]
    assert found.info.alpha == min(best, key=lambda alpha: abs(alpha - 0.3))
    assert found.info.alpha_origin == "6 labelled validation clips"
    assert len(found.info.provenance.validation) == 6


def test_validation_clips_of_one_class_are_refused_before_training(
    clips: Manifest, tiny_recipe: Recipe
) -> None:
    steps: list[Step] = []
    anomalies = clips.of(split="test", label="anomaly")
    job = OwnJob(clips, FAN, tiny_recipe, validation=anomalies)
    with pytest.raises(DataError, match="3 anomalies and 0 normals; choosing alpha needs both"):
        make(job, watch=Watch(on_step=steps.append))
    assert steps == []


def test_too_few_normals_are_refused_with_both_numbers(
    clips: Manifest, tiny_recipe: Recipe
) -> None:
    recipe = tiny_recipe.with_values(training={"minimum_normals": 13})
    with pytest.raises(DataError, match="has 12 normal training clips; at least 13 are needed"):
        fit(clips, FAN, recipe=recipe)


def test_a_training_that_diverges_is_told_as_such(clips: Manifest, tiny_recipe: Recipe) -> None:
    # One step: its loss is a number still, what it leaves is not.
    recipe = tiny_recipe.with_values(training={"iterations": 1, "encoder_learning_rate": 1e30})
    with pytest.raises(TrainingError, match="not finite; lower the learning rates in the recipe"):
        fit(clips, FAN, recipe=recipe)


def test_a_machine_without_clips_is_refused_with_those_at_hand(
    clips: Manifest, tiny_recipe: Recipe
) -> None:
    with pytest.raises(DataError, match="are: synth_fan/id_00, synth_valve/id_00"):
        fit(clips, "synth_fan/id_07", recipe=tiny_recipe)


def test_given_outliers_take_the_place_of_other_machines(
    clips: Manifest, tiny_recipe: Recipe
) -> None:
    given = clips.of(Machine("synth_valve", "id_00"), split="train")
    found = fit(clips.of(FAN), FAN, recipe=tiny_recipe, outliers=given, device="cpu")
    assert found.info.provenance.outliers == "12 normal clips given as outliers"
    assert not found.info.provenance.outliers_substitute


def test_a_single_machine_is_trained_against_substitutes_and_the_bundle_says_so(
    clips: Manifest, tiny_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"TRANSFORMED_CLIPS": 4, "FACTORY_CLIPS": 1, "FACTORY_IDS": 1}.items():
        monkeypatch.setattr(substitutes, name, value)
    path = tmp_path / "alone.rattle"
    fit(clips.of(FAN), FAN, recipe=tiny_recipe, device="cpu").save(path)
    origin = Detector.load(path).info.provenance
    assert origin.outliers_substitute
    assert origin.outliers.startswith("SUBSTITUTES")


def test_an_unreadable_training_clip_is_a_clip_error(
    clips: Manifest, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    files = []
    for clip in clips.of(split="train"):
        copy = tmp_path / f"{clip.machine_type}_{Path(clip.path).name}"
        samples, rate_hz = sf.read(clip.path, dtype="int16")
        sf.write(copy, samples, rate_hz)
        files.append(dataclasses.replace(clip, path=str(copy), content_hash=copy.name))
    Path(files[5].path).write_bytes(b"gone bad since the manifest was made")
    with pytest.raises(ClipError, match="00000005"):
        fit(Manifest.from_clips(files), FAN, recipe=tiny_recipe)

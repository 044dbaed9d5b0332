"""What holds for every baseline: it tells sounds apart, is stored and restored to the same bits."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import safetensors.numpy
from sklearn.metrics import roc_auc_score

from rattle import Detector, fit
from rattle.baselines import restore_baseline
from rattle.learning.train import Step
from rattle.recipe.parts import BASELINES

each_method = pytest.mark.parametrize("method", BASELINES)
FRAME_S = 128 / 16000


@pytest.fixture(scope="module")
def arrays_of(recipe_for, make_clips, fit_to):
    """A function that gives a method's arrays, learnt of eight clips; a dict of one's own."""
    learnt = cache(lambda method: fit_to(recipe_for(method), make_clips(8)).learnt()["baseline"])
    return lambda method: dict(learnt(method))


def distances(model, clips) -> np.ndarray:
    return np.concatenate([model.parts(clip).distances for clip in clips])


@each_method
def test_other_sound_is_farther_than_normal_sound(recipe_for, make_clips, fit_to, method) -> None:
    recipe = recipe_for(method)
    if method == "autoencoder":  # it has more to learn than a mean
        recipe = recipe.with_values(baseline={"epochs": 30, "learning_rate": 1e-2})
    model = fit_to(recipe, make_clips(40))
    normal = distances(model, make_clips(20, seed=1))
    other = distances(model, make_clips(20, seed=2, louder=15))
    is_other = np.repeat([False, True], 20)
    assert roc_auc_score(is_other, np.concatenate([normal, other])) > 0.95


@each_method
def test_a_restored_baseline_says_the_same_to_the_bit(
    recipe_for, make_clips, fit_to, cpu, method
) -> None:
    recipe = recipe_for(method, scoring={"long_clip_seconds": 0.5, "timeline_seconds": 0.1})
    model = fit_to(recipe, make_clips(12))
    stored = safetensors.numpy.load(safetensors.numpy.save(model.learnt()["baseline"]))
    restored = restore_baseline(recipe, {"baseline": stored}, cpu)
    clips = [*make_clips(3, seed=1), np.concatenate(make_clips(4, seed=2))]
    for clip in (*clips, clips[0][:1], clips[0][:2]):
        expected, found = model.parts(clip), restored.parts(clip)
        np.testing.assert_array_equal(found.distances, expected.distances)
        np.testing.assert_array_equal(found.start_s, expected.start_s)
    assert restored.recipe == recipe
    again = restored.learnt()["baseline"]
    assert again.keys() == stored.keys()
    for name, value in stored.items():
        np.testing.assert_array_equal(again[name], value)


@each_method
def test_a_detector_of_a_baseline_is_saved_and_loaded(clips, tiny_recipe, tmp_path, method) -> None:
    numbers = {"name": method} | ({"epochs": 2} if method == "autoencoder" else {})
    recipe = tiny_recipe.with_values(baseline=numbers)
    fitted = fit(clips, "synth_fan/id_00", recipe=recipe, device="cpu")
    fitted.save(tmp_path / "fan.rattle")
    loaded = Detector.load(tmp_path / "fan.rattle", device="cpu")
    assert loaded.verify() == 0
    paths = [clip.path for clip in clips.of(fitted.machine, split="test")]
    assert loaded.score(paths) == fitted.score(paths)


@each_method
def test_all_that_was_learnt_is_in_plain_arrays(arrays_of, method) -> None:
    for name, value in arrays_of(method).items():
        assert isinstance(value, np.ndarray), name
        assert value.ndim >= 1, name
        assert value.dtype in (np.float32, np.float64), name
        assert value.flags.c_contiguous, name


@each_method
def test_a_clip_is_one_window_however_short(recipe_for, make_clips, fit_to, method) -> None:
    model = fit_to(recipe_for(method), make_clips(12))
    clip = make_clips(1, seed=1)[0]
    for frames in (1, 2, 3, 20, len(clip)):
        parts = model.parts(clip[:frames])
        assert parts.start_s.tolist() == [0]
        assert parts.logits is None
        assert parts.distances.shape == (1,)
        assert parts.distances.dtype == np.float64
        assert np.isfinite(parts.distances).all()


@each_method
def test_a_long_recording_gets_the_distance_of_each_of_its_windows(
    recipe_for, make_clips, fit_to, method
) -> None:
    recipe = recipe_for(method, scoring={"long_clip_seconds": 0.5, "timeline_seconds": 0.1})
    model = fit_to(recipe, make_clips(12))
    clip = np.concatenate(make_clips(4, seed=1))[:100]
    parts = model.parts(clip)
    # 0.1 s are 12 frames; the last window ends with the recording.
    starts = [0, 12, 24, 36, 48, 60, 68]
    np.testing.assert_allclose(parts.start_s, np.array(starts) * FRAME_S, rtol=1e-12)
    alone = [model.parts(clip[s : s + 32]).distances[0] for s in starts]
    np.testing.assert_array_equal(parts.distances, alone)


@each_method
def test_a_seed_gives_the_same_baseline(recipe_for, make_clips, fit_to, method) -> None:
    recipe, normals = recipe_for(method), make_clips(12)
    one, again = (fit_to(recipe, normals, seed=5).learnt()["baseline"] for _ in range(2))
    for name, value in one.items():
        np.testing.assert_array_equal(again[name], value)


@pytest.mark.parametrize("method", ["autoencoder", "gmm"])
def test_another_seed_starts_from_another_point(recipe_for, make_clips, fit_to, method) -> None:
    recipe, normals = recipe_for(method), make_clips(12)
    one, other = (fit_to(recipe, normals, seed=seed).learnt()["baseline"] for seed in (5, 6))
    assert any(not np.array_equal(other[name], value) for name, value in one.items())


@pytest.mark.parametrize("method", [name for name in BASELINES if name != "autoencoder"])
def test_a_method_without_epochs_has_one_step_that_tells_the_mean_distance(
    recipe_for, make_clips, fit_to, method
) -> None:
    steps: list[Step] = []
    normals = make_clips(12)
    model = fit_to(recipe_for(method), normals, on_step=steps.append)
    expected = pytest.approx(distances(model, normals).mean())
    assert steps == [Step(iteration=1, loss=expected, bce=None, metric=None)]


@each_method
@pytest.mark.parametrize("kind", ["the same clip", "silence"])
def test_clips_that_are_all_alike_can_be_fitted(
    recipe_for, make_clips, fit_to, cpu, method, kind
) -> None:
    one = make_clips(1)[0]
    if kind == "silence":
        one = np.full_like(one, -100)
    recipe = recipe_for(method)
    model = fit_to(recipe, [one] * 6)
    found = distances(
        restore_baseline(recipe, {"baseline": model.learnt()["baseline"]}, cpu), [one, one + 10]
    )
    assert np.isfinite(found).all()
    # Of clips without any spread an ellipsoid has no extent, and an autoencoder learns nothing.
    if method not in ("mahalanobis", "autoencoder"):
        assert found[0] < found[1]


def without_one(arrays: dict[str, np.ndarray]) -> None:
    arrays.popitem()


def with_another(arrays: dict[str, np.ndarray]) -> None:
    arrays["another"] = np.ones(3)


def misshapen(arrays: dict[str, np.ndarray]) -> None:
    name = next(iter(arrays))
    arrays[name] = arrays[name][:-1]


def without_a_dimension(arrays: dict[str, np.ndarray]) -> None:
    name = list(arrays)[-1]
    arrays[name] = arrays[name].ravel()[0].reshape(())


def of_another_type(arrays: dict[str, np.ndarray]) -> None:
    name = list(arrays)[-1]
    arrays[name] = arrays[name].astype(np.int64)


def not_finite(arrays: dict[str, np.ndarray]) -> None:
    name = list(arrays)[-1]
    arrays[name] = np.full_like(arrays[name], np.nan)


@each_method
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without_one, r"it lacks arrays that its recipe has: \S+$"),
        (with_another, "it holds arrays that its recipe has not: another$"),
        (misshapen, r"its array \S+ is float\d\d \[.*\]; by its recipe it is float\d\d \["),
        (without_a_dimension, r"its array \S+ is float\d\d \[\]; by its recipe it is"),
        (of_another_type, r"its array \S+ is int64 .* by its recipe it is float"),
        (not_finite, r"its array \S+ holds NaN or infinity"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    recipe_for, arrays_of, cpu, method, spoil, message
) -> None:
    recipe = recipe_for(method)
    arrays = arrays_of(method)
    spoil(arrays)
    with pytest.raises(ValueError, match=message):
        restore_baseline(recipe, {"baseline": arrays}, cpu)


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("knn", "deviation"),
        ("mahalanobis", "deviation"),
        ("ocsvm", "gamma"),
        ("gmm", "weights"),
        ("gmm", "variances"),
        ("autoencoder", "1.running_var"),
    ],
)
def test_numbers_that_must_be_above_zero_are_refused_below_it(
    recipe_for, arrays_of, cpu, method, name
) -> None:
    recipe = recipe_for(method)
    arrays = arrays_of(method)
    arrays[name] = -arrays[name]
    with pytest.raises(ValueError, match=f"its array {name} holds"):
        restore_baseline(recipe, {"baseline": arrays}, cpu)


@pytest.mark.parametrize(
    ("method", "other"),
    [
        ("autoencoder", {"hidden": 9}),
        ("gmm", {"components": 4}),
        ("ocsvm", {"coefficients": 7}),
        ("knn", {"neighbours": 9}),
    ],
)
def test_the_arrays_of_another_recipe_are_refused(
    recipe_for, arrays_of, cpu, method, other
) -> None:
    recipe = recipe_for(method)
    arrays = arrays_of(method)
    with pytest.raises(ValueError, match="by its recipe"):
        restore_baseline(recipe.with_values(baseline=other), {"baseline": arrays}, cpu)


def test_support_vectors_and_weights_are_as_many(recipe_for, arrays_of, cpu) -> None:
    recipe = recipe_for("ocsvm")
    arrays = arrays_of("ocsvm")
    count = len(arrays["support"])
    assert count > 1
    arrays["weights"] = arrays["weights"][:-1]
    with pytest.raises(ValueError, match=rf"weights is float64 \[{count - 1}\].*\[{count}\]"):
        restore_baseline(recipe, {"baseline": arrays}, cpu)
    arrays |= {"weights": np.ones(0), "support": np.ones((0, 24))}
    with pytest.raises(ValueError, match="its array support is"):
        restore_baseline(recipe, {"baseline": arrays}, cpu)

"""Adapting a detector by its head alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

import rattle
from rattle import DataError, Detector, Machine, Manifest
from rattle.bundle import Bundle, read_bundle, write_bundle
from rattle.bundle.known import WINDOWS_A_CLIP, Known
from rattle.bundle.replay import Replay
from rattle.clips.clip import Clip
from rattle.clips.labelled import labelled_clips
from rattle.detector.adapt import AdaptJob
from rattle.detector.finish import make
from rattle.detector.job import Recovered, Watch
from rattle.recipe.parts import Audio
from rattle.runtime.adapt_head import AdaptedHead, adapt_head
from rattle.runtime.clip_scorer import threshold_of
from rattle.runtime.scorer import Scorer
from rattle.scoring.clip import ClipScore
from rattle.scoring.head import Head
from rattle.scoring.threshold import SCORES_AGREE_WITHIN

FAN = Machine("synth_fan", "id_00")
RATE_HZ = 16000


@pytest.fixture(params=["spectral", "small"])
def file(request: pytest.FixtureRequest) -> Path:
    """A bundle with a graph: of a fleet and nearest normals, of one machine and c_p."""
    name = {"spectral": "exported_fleet_file", "small": "exported_file"}[request.param]
    return Path(request.getfixturevalue(name))


@pytest.fixture
def parent(file: Path) -> Bundle:
    return read_bundle(file)


@pytest.fixture
def ear(file: Path) -> Scorer:
    return Scorer.load(file)


@pytest.fixture(scope="module")
def faults(clips: Manifest) -> list[Clip]:
    return labelled(files(clips, "anomaly"), "anomaly")


@pytest.fixture(scope="module")
def healthy(clips: Manifest) -> list[Clip]:
    return labelled(files(clips, "normal"), "normal")


def files(clips: Manifest, label: str, split: str = "test") -> list[str]:
    return list(clips.of(FAN, split=split, label=label).table["path"])


def labelled(paths: Iterable[str | Path], label: str) -> list[Clip]:
    return labelled_clips(map(Path, paths), FAN, label, Audio())


def hashes(clips: Iterable[Clip]) -> list[str]:
    return [clip.content_hash for clip in clips]


def as_label(clips: Iterable[Clip], label: str) -> list[Clip]:
    return [replace(clip, label=label) for clip in clips]


def saved(bundle: Bundle, folder: Path, name: str = "adapted") -> Path:
    path = folder / f"{name}.rattle"
    write_bundle(bundle, path)
    return path


def trained_on(parent: Bundle, clips: Manifest, *hashes: str) -> list[str]:
    return [clip.path for clip in clips.of(FAN) if clip.content_hash in hashes]


def timeless(bundle: Bundle) -> Bundle:
    """The bundle as if it had been made at no particular time."""
    origin = bundle.info.provenance.model_copy(update={"created": ""})
    return replace(bundle, info=bundle.info.model_copy(update={"provenance": origin}))


def assert_same_head(one: Bundle, other: Bundle) -> None:
    assert one.learnt["head"].keys() == other.learnt["head"].keys()
    for name, values in one.learnt["head"].items():
        np.testing.assert_array_equal(other.learnt["head"][name], values)


# What it hears


@pytest.mark.parametrize("seconds", [0.1, 1.0, 3.0, 40.3])
def test_a_graph_computes_the_features_that_training_reads(
    ear: Scorer, file: Path, seconds: float
) -> None:
    rng = np.random.default_rng(int(10 * seconds))
    samples = (0.1 * rng.standard_normal(round(seconds * RATE_HZ))).astype(np.float32)
    expected = Detector.load(file, device="cpu").features(samples)
    found = ear.features(samples)
    assert found.shape == expected.shape == (1 + len(samples) // 512, ear.recipe.feature_width)
    assert found.dtype == np.float32
    # Far below what half precision leaves of a decibel, in which the replay set keeps them.
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_silence_and_a_constant_have_the_features_that_training_reads(
    ear: Scorer, file: Path
) -> None:
    detector = Detector.load(file, device="cpu")
    for level in (0.0, 0.25):
        samples = np.full(RATE_HZ, level, np.float32)
        np.testing.assert_allclose(
            ear.features(samples), detector.features(samples), rtol=1e-3, atol=0.05
        )


def test_by_a_graph_and_by_torch_it_comes_to_the_same(
    parent: Bundle,
    ear: Scorer,
    file: Path,
    faults: list[Clip],
    healthy: list[Clip],
    clips: Manifest,
    tmp_path: Path,
) -> None:
    by_torch = Detector.load(file, device="cpu")
    one = adapt_head(parent, ear, faults[:2], healthy)
    other = adapt_head(parent, by_torch, faults[:2], healthy)
    assert one.change == other.change
    paths = list(clips.of(FAN).table["path"])
    graph = Scorer.load(saved(one.bundle, tmp_path, "graph"))
    torch = Detector.load(saved(other.bundle, tmp_path, "torch"), device="cpu")
    for ours, theirs in zip(graph.score(paths), torch.score(paths), strict=True):
        assert ours.score == pytest.approx(theirs.score, rel=1e-3, abs=SCORES_AGREE_WITHIN)
        assert ours.posterior == pytest.approx(theirs.posterior, abs=1e-4)
        assert ours.threshold == pytest.approx(theirs.threshold, rel=1e-3, abs=1e-3)


# What stays and what is new


def test_the_encoder_its_graph_and_its_fleet_stay(
    parent: Bundle, ear: Scorer, faults: list[Clip], healthy: list[Clip], tmp_path: Path
) -> None:
    made = read_bundle(saved(adapt_head(parent, ear, faults, healthy).bundle, tmp_path))
    assert made.encoder_identity == parent.encoder_identity
    assert made.graph == parent.graph
    old, new = parent.info.provenance, made.info.provenance
    assert new.fleet == old.fleet
    assert new.parent == parent.identity != made.identity
    assert (new.outliers, new.pretrained, new.torch) == (old.outliers, old.pretrained, old.torch)
    assert (made.info.alpha, made.info.amplitude) == (parent.info.alpha, parent.info.amplitude)
    assert made.info.recipe == parent.info.recipe
    assert set(made.known.start) >= {"weight", "bias"}
    for name in ("weight", "bias"):
        np.testing.assert_array_equal(made.known.start[name], parent.known.start[name])


def test_its_provenance_names_every_clip_on_its_side(
    parent: Bundle, ear: Scorer, faults: list[Clip], healthy: list[Clip]
) -> None:
    made = adapt_head(parent, ear, faults, healthy).bundle
    old, new = parent.info.provenance, made.info.provenance
    assert list(new.anomalies) == hashes(faults)
    assert {*new.trained, *new.held_out} == {*old.trained, *old.held_out, *hashes(healthy)}
    assert len(new.held_out) == len(old.held_out) + 1
    assert {*new.silenced} == {*hashes(healthy)}
    assert len(made.info.held_out) == len(new.held_out) == len(made.known.held_out)
    names = made.known.names()
    for clip in (*faults, *healthy):
        assert names[clip.content_hash] == Path(clip.path).name


def test_anomalies_stand_out_more_than_before(
    parent: Bundle, ear: Scorer, faults: list[Clip], clips: Manifest, tmp_path: Path
) -> None:
    adapted = Scorer.load(saved(adapt_head(parent, ear, faults).bundle, tmp_path))
    held_out = trained_on(parent, clips, *parent.info.provenance.held_out)

    def ahead(scorer: Scorer) -> float:
        """How much higher the faults score than normals that it did not learn from."""
        scores = ([clip.score for clip in scorer.score(of)] for of in (paths, held_out))
        faulty, normal = map(np.mean, scores)
        return float(faulty - normal)

    paths = [clip.path for clip in faults]
    assert ahead(adapted) > ahead(ear) + 0.03


def test_the_change_it_tells_is_what_scoring_says(
    parent: Bundle,
    ear: Scorer,
    faults: list[Clip],
    healthy: list[Clip],
    clips: Manifest,
    tmp_path: Path,
) -> None:
    made = adapt_head(parent, ear, faults, healthy[:1])
    adapted = Scorer.load(saved(made.bundle, tmp_path))
    held_out = trained_on(parent, clips, *parent.info.provenance.held_out)
    for judged, paths in (
        (made.change.anomalies, [clip.path for clip in faults]),
        (made.change.healthy, held_out),
        (made.change.silenced, [healthy[0].path]),
    ):
        before, after = (
            {Path(clip.path).name: clip for clip in scorer.score(paths)}
            for scorer in (ear, adapted)
        )
        assert {clip.name for clip in judged} == {*before} == {*after}
        for clip in judged:
            assert agrees(clip.before, before[clip.name])
            assert agrees(clip.after, after[clip.name])


def agrees(judged: bool, clip: ClipScore) -> bool:
    """Whether both say the same, but for the clip that makes the threshold: there rounding does."""
    return judged == clip.anomalous or abs(clip.score - clip.threshold) < SCORES_AGREE_WITHIN


def test_the_new_bundle_scores_its_stored_clips_as_it_states(
    parent: Bundle, ear: Scorer, faults: list[Clip], healthy: list[Clip], tmp_path: Path
) -> None:
    path = saved(adapt_head(parent, ear, faults, healthy).bundle, tmp_path)
    assert Scorer.load(path).verify() < 1e-6
    assert Detector.load(path, device="cpu").verify() < SCORES_AGREE_WITHIN
    assert Scorer.load(path).info.golden != ear.info.golden


# The replay set


def test_the_replay_set_holds_the_new_clips_as_training_reads_them(
    parent: Bundle, ear: Scorer, file: Path, faults: list[Clip], healthy: list[Clip]
) -> None:
    made = adapt_head(parent, ear, faults, healthy).bundle
    by_torch = Detector.load(file, device="cpu")
    assert list(made.replay.anomalies) == hashes(faults)
    normals = {**made.replay.normals, **made.replay.held_out}
    origin = made.info.provenance
    assert made.replay.normals.keys() <= {*origin.trained}
    assert made.replay.held_out.keys() <= {*origin.held_out}
    assert {*normals} == {*origin.trained, *origin.held_out}
    for clip in (*faults, *healthy):
        stored = {**normals, **made.replay.anomalies}[clip.content_hash]
        expected = by_torch.features(by_torch.samples(clip.path))
        assert stored.shape == expected.shape
        np.testing.assert_allclose(stored, expected, rtol=2**-10, atol=1e-3)


def test_the_encoder_learns_later_from_what_the_head_learnt_from(
    parent: Bundle, ear: Scorer, faults: list[Clip], healthy: list[Clip], tmp_path: Path
) -> None:
    path = saved(adapt_head(parent, ear, faults[:2], healthy[:1]).bundle, tmp_path)
    told: list[Recovered] = []
    job = AdaptJob(
        Detector.load(path, device="cpu"),
        Manifest.from_clips(labelled_clips([Path(faults[2].path)], FAN, "anomaly", Audio())),
        Manifest.from_clips([]),
        None,
        device="cpu",
    )
    (trained,) = make(job, watch=Watch(on_recovered=told.append))
    assert told[0].anomalies == (2, 2)
    assert told[0].trained == (11, 11)
    assert {*trained.info.provenance.anomalies} == {*hashes(faults)}
    assert {*trained.replay.anomalies} == {*hashes(faults)}
    assert {clip.hash: clip.name for clip in trained.known.anomalies} == {
        clip.content_hash: Path(clip.path).name for clip in faults
    }
    assert trained.info.provenance.parent == read_bundle(path).identity
    assert trained.bundle().encoder_identity != parent.encoder_identity


def test_and_the_head_learns_on_after_the_encoder_did(
    parent: Bundle, ear: Scorer, faults: list[Clip], tmp_path: Path
) -> None:
    first = saved(adapt_head(parent, ear, faults[:1]).bundle, tmp_path)
    trained = rattle.adapt(Detector.load(first, device="cpu"), [faults[1].path], device="cpu")
    made = adapt_head(trained.bundle(), trained, faults[2:]).bundle
    assert {*made.info.provenance.anomalies} == {*hashes(faults)}
    assert len(made.known.anomalies) == 3
    # Of the encoder that learnt on, not of the one before.
    assert (made.known.start["weight"] != parent.known.start["weight"]).any()
    np.testing.assert_array_equal(made.known.start["weight"], trained.known.start["weight"])


# Labels that change


def test_a_fault_that_turns_out_healthy_changes_sides(
    parent: Bundle, ear: Scorer, faults: list[Clip]
) -> None:
    once = adapt_head(parent, ear, faults[:2]).bundle
    made = adapt_head(once, ear, [], as_label(faults[:1], "normal")).bundle
    origin = made.info.provenance
    assert list(origin.anomalies) == hashes(faults[1:2])
    assert {*origin.trained} == {*parent.info.provenance.trained, faults[0].content_hash}
    assert origin.held_out == parent.info.provenance.held_out
    assert [clip.hash for clip in made.known.anomalies] == hashes(faults[1:2])
    assert made.known.normals[0].hash == faults[0].content_hash
    assert list(made.replay.anomalies) == hashes(faults[1:2])
    assert faults[0].content_hash in made.replay.normals


def test_a_clip_that_was_called_normal_and_is_a_fault_after_all_leaves_no_trace(
    parent: Bundle, ear: Scorer, faults: list[Clip]
) -> None:
    rejected = adapt_head(parent, ear, [], as_label(faults[:1], "normal")).bundle
    assert rejected.info.provenance.silenced == (faults[0].content_hash,)
    after_all = adapt_head(rejected, ear, faults[:1]).bundle
    at_once = adapt_head(parent, ear, faults[:1]).bundle
    assert_same_head(after_all, at_once)
    assert after_all.info.provenance.silenced == after_all.info.silenced == ()
    assert threshold_of(after_all.info) == threshold_of(at_once.info)
    assert {*after_all.info.provenance.trained} == {*parent.info.provenance.trained}


def test_a_training_clip_that_is_called_a_fault_is_no_normal_any_more(
    parent: Bundle, ear: Scorer, clips: Manifest
) -> None:
    origin = parent.info.provenance
    wrong = labelled(trained_on(parent, clips, origin.trained[0], origin.held_out[0]), "anomaly")
    made = adapt_head(parent, ear, wrong).bundle
    assert {*made.info.provenance.anomalies} == {*hashes(wrong)}
    for kind in (made.known.normals, made.known.held_out):
        assert not {clip.hash for clip in kind} & {*hashes(wrong)}
    assert not {*made.replay.normals, *made.replay.held_out} & {*hashes(wrong)}
    assert len(made.info.held_out) == len(origin.held_out) - 1


def test_one_after_the_other_comes_to_the_head_of_all_at_once(
    parent: Bundle, ear: Scorer, faults: list[Clip]
) -> None:
    at_once = adapt_head(parent, ear, faults).bundle
    bundle = parent
    for fault in reversed(faults):
        bundle = adapt_head(bundle, ear, [fault]).bundle
    assert_same_head(bundle, at_once)
    assert timeless(bundle).info.scale == at_once.info.scale
    assert {*bundle.known.names()} == {*at_once.known.names()}


def test_training_clips_may_be_given_as_normal_again(
    parent: Bundle, ear: Scorer, faults: list[Clip], clips: Manifest, tmp_path: Path
) -> None:
    """As when the folder of all healthy recordings is given."""
    every = labelled(files(clips, "normal", "train"), "normal")
    made = adapt_head(parent, ear, faults, every).bundle
    origin = parent.info.provenance
    assert {*made.info.provenance.trained} == {*origin.trained}
    assert {*made.info.provenance.held_out} == {*origin.held_out}
    adapted = Scorer.load(saved(made, tmp_path))
    assert not any(clip.anomalous for clip in adapted.score([clip.path for clip in every]))


# Rejected alarms


def test_a_rejected_alarm_stays_silent_whatever_is_learnt_later(
    parent: Bundle, ear: Scorer, faults: list[Clip], tmp_path: Path
) -> None:
    """It is as loud as a fault, and faults of its kind are shown later."""
    rejected, *others = faults

    def is_alarm(bundle: Bundle) -> bool:
        (clip,) = Scorer.load(saved(bundle, tmp_path)).score([rejected.path])
        return clip.anomalous

    once = adapt_head(parent, ear, [], as_label([rejected], "normal")).bundle
    assert not is_alarm(once)
    twice = adapt_head(once, ear, others).bundle
    assert not is_alarm(twice)
    assert twice.info.provenance.silenced == (rejected.content_hash,)
    trained = rattle.adapt(
        Detector.load(saved(twice, tmp_path), device="cpu"), [others[0].path], device="cpu"
    )
    assert trained.info.provenance.silenced == (rejected.content_hash,)
    (clip,) = trained.score([rejected.path])
    # The replay set gives its features, rounded: near the threshold it may be on either side.
    assert clip.score < clip.threshold + SCORES_AGREE_WITHIN
    on = adapt_head(trained.bundle(), trained, others[1:])
    assert [judged.after for judged in on.change.silenced] == [False]


@pytest.fixture
def long_recording(tmp_path: Path) -> Clip:
    """A recording of two minutes that becomes louder by and by."""
    rng = np.random.default_rng(0)
    samples = 0.05 * rng.standard_normal(120 * RATE_HZ)
    sf.write(tmp_path / "long.wav", samples * np.linspace(0.2, 2, len(samples)) ** 2, RATE_HZ)
    return labelled([tmp_path / "long.wav"], "normal")[0]


def test_a_long_recording_that_was_called_normal_is_no_alarm(
    parent: Bundle, ear: Scorer, long_recording: Clip, tmp_path: Path
) -> None:
    made = adapt_head(parent, ear, [], [long_recording]).bundle
    adapted = Scorer.load(saved(made, tmp_path))
    (clip,) = adapted.score([long_recording.path])
    assert len(clip.windows) > WINDOWS_A_CLIP
    assert not clip.anomalous


def test_of_a_long_recording_a_part_is_kept(
    parent: Bundle, ear: Scorer, long_recording: Clip
) -> None:
    made = adapt_head(parent, ear, as_label([long_recording], "anomaly")).bundle
    (kept,) = made.known.anomalies
    assert len(kept.z) == WINDOWS_A_CLIP
    (rows,) = made.replay.anomalies.values()
    assert len(rows) == pytest.approx(30 * RATE_HZ / 512, abs=2)


# Refusals


def test_a_loss_without_posterior_learns_no_anomalies_but_what_is_normal(
    clips: Manifest, fleet: dict[Machine, Detector], faults: list[Clip], healthy: list[Clip]
) -> None:
    recipe = fleet[FAN].recipe.for_method("ddcsad").with_values(training={"iterations": 1})
    parent = rattle.fit(clips, FAN, recipe=recipe, device="cpu")
    with pytest.raises(DataError, match=r"ddcsad has no posterior.*adapt its encoder"):
        adapt_head(parent.bundle(), parent, faults)
    made = adapt_head(parent.bundle(), parent, [], healthy[:1])
    assert [clip.after for clip in made.change.silenced] == [False]


@pytest.mark.parametrize("normal", [False, True])
def test_a_fixed_centre_alone_has_nothing_to_learn(
    normal: bool,
    clips: Manifest,
    fleet: dict[Machine, Detector],
    faults: list[Clip],
    healthy: list[Clip],
) -> None:
    recipe = fleet[FAN].recipe.for_method("dsad").with_values(training={"iterations": 1})
    parent = rattle.fit(clips, FAN, recipe=recipe, device="cpu")
    with pytest.raises(DataError, match="adapt its encoder"):
        adapt_head(parent.bundle(), parent, [] if normal else faults, healthy if normal else [])


def test_a_baseline_is_refused(
    clips: Manifest, fleet: dict[Machine, Detector], faults: list[Clip]
) -> None:
    recipe = fleet[FAN].recipe.for_method("knn")
    baseline = rattle.fit(clips, FAN, recipe=recipe, device="cpu")
    with pytest.raises(DataError, match=r"a baseline \(knn\)"):
        adapt_head(baseline.bundle(), baseline, faults)


def test_nothing_given_is_refused(parent: Bundle, ear: Scorer) -> None:
    with pytest.raises(DataError, match="give anomalies, normal clips, or both"):
        adapt_head(parent, ear, [])


def test_one_clip_cannot_be_both(parent: Bundle, ear: Scorer, faults: list[Clip]) -> None:
    with pytest.raises(DataError, match="decide for one"):
        adapt_head(parent, ear, faults, as_label(faults[:1], "normal"))


def test_a_bundle_without_embeddings_is_refused(
    parent: Bundle, ear: Scorer, faults: list[Clip]
) -> None:
    with pytest.raises(DataError, match="keeps no embeddings to fit a head to; train it again"):
        adapt_head(replace(parent, known=Known()), ear, faults)


def test_without_a_held_out_clip_left_it_is_refused_until_normals_are_given(
    parent: Bundle, ear: Scorer, healthy: list[Clip], clips: Manifest
) -> None:
    wrong = labelled(trained_on(parent, clips, *parent.info.provenance.held_out), "anomaly")
    with pytest.raises(DataError, match=r"10 normal clips are left .* and 0 to fit the threshold"):
        adapt_head(parent, ear, wrong)
    made = adapt_head(parent, ear, wrong, healthy).bundle
    assert len(made.info.held_out) == 1


def test_a_clip_that_cannot_be_read_is_refused_by_its_name(
    parent: Bundle, ear: Scorer, faults: list[Clip], tmp_path: Path
) -> None:
    gone = replace(faults[0], path=str(tmp_path / "gone.wav"))
    with pytest.raises(rattle.ClipError, match=r"gone\.wav"):
        adapt_head(parent, ear, [gone])


# The same again


def test_the_same_clips_give_the_same_bytes(
    parent: Bundle, ear: Scorer, faults: list[Clip], healthy: list[Clip], tmp_path: Path
) -> None:
    one, other = (
        saved(timeless(adapt_head(parent, ear, faults, healthy).bundle), tmp_path, name)
        for name in ("one", "other")
    )
    assert one.read_bytes() == other.read_bytes()
    with_replay = replace(parent, replay=Replay())
    assert_same_head(adapt_head(with_replay, ear, faults, healthy).bundle, read_bundle(one))


ELSEWHERE = """
import sys
from pathlib import Path
from rattle.bundle import read_bundle
from rattle.clips.labelled import labelled_clips
from rattle.clips.machine import Machine
from rattle.recipe.parts import Audio
from rattle.runtime.adapt_head import adapt_head
from rattle.runtime.scorer import Scorer
file, *paths = map(Path, sys.argv[1:])
given = [labelled_clips(some, Machine("synth_fan", "id_00"), label, Audio())
         for some, label in ((paths[:3], "anomaly"), (paths[3:], "normal"))]
made = adapt_head(read_bundle(file), Scorer.load(file), *given).bundle
origin = made.info.provenance
print(origin.model_copy(update={"created": ""}).model_dump_json())
print(made.info.golden, made.info.scale, list(made.replay.arrays()), list(made.known.arrays()))
print({name: values.tobytes().hex() for name, values in made.learnt["head"].items()})
assert "torch" not in sys.modules and "polars" not in sys.modules
"""


def test_it_is_the_same_in_every_process_and_needs_no_torch(
    exported_fleet_file: Path, faults: list[Clip], healthy: list[Clip]
) -> None:
    paths = [clip.path for clip in (*faults, *healthy)]
    said = {
        subprocess.run(
            [sys.executable, "-c", ELSEWHERE, exported_fleet_file, *paths],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1


def test_the_seed_decides_which_new_normals_make_the_threshold(
    parent: Bundle, ear: Scorer, healthy: list[Clip]
) -> None:
    def held_out(seed: int | None) -> set[str]:
        made: AdaptedHead = adapt_head(parent, ear, [], healthy, seed=seed)
        return {*made.bundle.info.provenance.held_out} - {*parent.info.provenance.held_out}

    assert held_out(None) == held_out(parent.info.provenance.seed)
    chosen = [held_out(seed) for seed in range(6)]
    assert {len(of) for of in chosen} == {1}
    assert len(set(map(frozenset, chosen))) > 1


def test_the_head_it_writes_is_one_that_a_bundle_may_hold(
    parent: Bundle, ear: Scorer, faults: list[Clip], healthy: list[Clip]
) -> None:
    made = adapt_head(parent, ear, faults, healthy).bundle
    head = Head.restored(made.learnt["head"], made.info.recipe)
    assert head.dimensions == Head.restored(parent.learnt["head"], parent.info.recipe).dimensions

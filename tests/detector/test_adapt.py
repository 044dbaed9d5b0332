"""Adaptation: what it learns from, what it leaves alone, what the new bundle says of itself."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile as sf
import torch
from numpy.typing import NDArray

from rattle import ClipError, DataError, Detector, Machine, Manifest, Recipe, adapt, fit
from rattle.clips.content import content_hash
from rattle.clips.labelled import labelled_clips
from rattle.detector import measure as module
from rattle.detector.adapt import AdaptJob
from rattle.detector.finish import make
from rattle.detector.job import NewClips, Recordings, Recovered, Watch
from rattle.learning.batches import BatchSource
from rattle.learning.train import Step
from rattle.recipe.parts import Audio
from rattle.runtime.clip_scorer import threshold_of

FAN = Machine("synth_fan", "id_00")
NOTHING = Manifest.from_clips([])


def files(clips: Manifest, label: str) -> list[str]:
    """The fan's three test clips of that label."""
    return list(clips.of(FAN, split="test", label=label).table["path"])


def labelled(paths: Iterable[str | Path], label: str) -> Manifest:
    return Manifest.from_clips(labelled_clips(map(Path, paths), FAN, label, Audio()))


def hashes(paths: Iterable[str | Path]) -> set[str]:
    return {content_hash(Path(path)) for path in paths}


def named(clips: Manifest, hashes: Iterable[str]) -> list[str]:
    """The files of these contents."""
    wanted = set(hashes)
    return [clip.path for clip in clips.of(FAN) if clip.content_hash in wanted]


def weights(detector: Detector) -> dict[str, NDArray[np.generic]]:
    return {
        f"{part}.{name}": value.copy()
        for part, arrays in detector.model.learnt().items()
        for name, value in arrays.items()
    }


def same(one: dict[str, NDArray[np.generic]], other: dict[str, NDArray[np.generic]]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[n], other[n]) for n in one)


def fitted(clips: Manifest, recipe: Recipe, **parts: dict[str, object]) -> Detector:
    return fit(clips, FAN, recipe=recipe.with_values(**parts), device="cpu")


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[BatchSource]:
    """What each adaptation drew its batches from."""
    sources: list[BatchSource] = []
    plain = module.train

    def watched(network, source, *rest, **options):  # type: ignore[no-untyped-def]
        sources.append(source)
        return plain(network, source, *rest, **options)

    monkeypatch.setattr(module, "train", watched)
    return sources


Which = Callable[[Iterable[NDArray[np.float32]]], set[str]]


@pytest.fixture
def which(detector: Detector, clips: Manifest) -> Which:
    """Tells the fan's clips by their log-mels, as they are stored."""
    known = {
        detector.log_mel(clip.path).astype(np.float16).tobytes(): clip.content_hash
        for clip in clips.of(FAN)
    }
    return lambda log_mels: {known[clip.astype(np.float16).tobytes()] for clip in log_mels}


# Batches and weights


@pytest.mark.parametrize(
    ("anomalies", "a_batch", "shares"),
    [(3, 1, (4, 3, 1)), (1, 1, (4, 3, 1)), (3, 2, (4, 2, 2)), (0, 1, (4, 4, 0))],
)
def test_anomalies_take_the_place_of_outliers(
    anomalies: int,
    a_batch: int,
    shares: tuple[int, int, int],
    clips: Manifest,
    tiny_recipe: Recipe,
    detector: Detector,
    seen: list[BatchSource],
) -> None:
    recipe = tiny_recipe.with_values(adaptation={"anomalies_per_batch": a_batch})
    info = detector.info.model_copy(update={"recipe": recipe})
    adapt(
        dataclasses.replace(detector, info=info),
        files(clips, "anomaly")[:anomalies],
        normals=files(clips, "normal"),
        device="cpu",
    )
    (source,) = seen
    assert len(source.anomalies) == anomalies
    batch = source.batch(0)
    kinds = Counter(zip(batch.normal[:, 0], batch.target[:, 0], strict=True))
    found = tuple(kinds[kind] for kind in [(1, 1), (0, 0), (0, 1)])
    assert found == shares


def test_there_are_half_as_many_iterations_as_the_training_had(
    detector: Detector, clips: Manifest
) -> None:
    steps: list[Step] = []
    job = AdaptJob(
        detector,
        labelled(files(clips, "anomaly"), "anomaly"),
        NOTHING,
        None,
        device="cpu",
    )
    make(job, watch=Watch(on_step=steps.append))
    assert [step.iteration for step in steps] == [1, 2, 3]
    assert job.steps == 3


def test_it_starts_from_the_parents_weights(clips: Manifest, tiny_recipe: Recipe) -> None:
    barely = {"encoder_learning_rate": 1e-12, "head_learning_rate": 1e-12}
    parent = fitted(clips, tiny_recipe)
    info = parent.info.model_copy(update={"recipe": parent.recipe.with_values(training=barely)})
    parent = dataclasses.replace(parent, info=info)
    before = weights(parent)
    after = weights(adapt(parent, files(clips, "anomaly"), device="cpu"))
    encoder = [f"encoder.{name}" for name, _ in parent.model.encoder.named_parameters()]
    assert encoder
    for name in [*encoder, "head.weight", "head.bias"]:
        np.testing.assert_allclose(after[name], before[name], atol=1e-9)


def test_the_parent_stays_as_it_was(clips: Manifest, tiny_recipe: Recipe) -> None:
    parent = fitted(clips, tiny_recipe, loss={"name": "bce+dsad"})
    before, identity = weights(parent), parent.bundle().identity
    after = weights(adapt(parent, files(clips, "anomaly"), data=clips, device="cpu"))
    assert same(weights(parent), before)
    assert parent.bundle().identity == identity
    assert not same(after, before)


@pytest.mark.parametrize("start", ["random", "autoencoder"])
def test_dsads_centroid_stays_fixed(start: str, clips: Manifest, tiny_recipe: Recipe) -> None:
    how = {"dsad_start": start, "autoencoder_iterations": 2}
    parent = fitted(clips, tiny_recipe, loss={"name": "dsad"}, centroids=how)
    other_seed = adapt(parent, files(clips, "anomaly"), seed=5, device="cpu")
    assert np.array_equal(other_seed.model.head.centres, parent.model.head.centres)


def test_ddcsads_centroid_is_where_the_new_network_puts_the_normals(
    detector: Detector, clips: Manifest
) -> None:
    adapted = adapt(detector, files(clips, "anomaly"), device="cpu")
    (centroid,) = adapted.model.head.centres
    assert not np.array_equal(centroid, detector.model.head.centres[0])
    normals = [torch.from_numpy(clip) for clip in adapted.replay.normals.values()]
    with torch.no_grad():
        z = torch.cat([adapted.model.encoder(n[None, 10:74]) for n in normals])
    distance = (z.mean(dim=0) - torch.from_numpy(centroid)).square().mean()
    assert distance < 0.05 * z.var(dim=0).mean() + 0.05 * np.square(centroid).mean()


@pytest.mark.parametrize("loss", ["bce", "dsad", "bce+ddcsad"])
def test_a_fault_of_the_kind_that_was_shown_stands_out_more(
    loss: str, clips: Manifest, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    parent = fitted(
        clips,
        tiny_recipe,
        loss={"name": loss},
        training={
            "iterations": 20,
            "encoder_learning_rate": 3e-3,
            "head_learning_rate": 1e-2,
            "decay_every": 100,
        },
        adaptation={"iterations": 40, "anomalies_per_batch": 2},
    )
    whistling = []
    for number in range(6):
        samples, rate_hz = sf.read(files(clips, "normal")[number % 3])
        time_s = np.arange(len(samples)) / rate_hz
        tone = np.sqrt(2) * samples.std() * np.sin(2 * np.pi * (1000 + 20 * number) * time_s)
        whistling.append(tmp_path / f"{number}.wav")
        sf.write(whistling[-1], samples + tone, rate_hz)
    shown, others = whistling[:3], whistling[3:]
    adapted = adapt(parent, shown, device="cpu")
    healthy = named(clips, parent.info.provenance.used)

    def ahead(detector: Detector) -> float:
        """By how many deviations of the healthy ones the faulty clips score higher."""
        faulty, normal = ([clip.score for clip in detector.score(p)] for p in (others, healthy))
        return float((np.mean(faulty) - np.mean(normal)) / np.std(normal))

    assert ahead(adapted) > ahead(parent) + 1
    if "bce" in loss:
        scored = zip(*(adapted.score(paths) for paths in (shown, healthy)), strict=False)
        assert all(faulty.posterior < normal.posterior for faulty, normal in scored)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(
    detector: Detector, clips: Manifest
) -> None:
    anomalies = files(clips, "anomaly")
    one, again, other = (
        weights(adapt(detector, anomalies, data=clips, seed=seed, device="cpu"))
        for seed in (0, 0, 1)
    )
    assert same(one, again)
    assert not same(one, other)


def test_a_saved_detector_adapts_as_before_it_was_saved(
    detector: Detector, bundle_file: Path, clips: Manifest
) -> None:
    anomalies, normals = files(clips, "anomaly"), files(clips, "normal")
    of_memory = adapt(detector, anomalies, normals=normals, device="cpu")
    of_file = adapt(
        Detector.load(bundle_file, device="cpu"), anomalies, normals=normals, device="cpu"
    )
    assert same(weights(of_memory), weights(of_file))
    assert of_memory.info.golden == of_file.info.golden
    one, other = (d.replay.arrays() for d in (of_memory, of_file))
    assert list(one) == list(other)
    assert same(dict(one), dict(other))


def test_the_replay_set_does_nearly_what_the_recordings_do(
    detector: Detector, clips: Manifest
) -> None:
    """Every clip of this small training is in it, so only half precision is between the two."""
    anomalies = files(clips, "anomaly")
    by_replay, by_recordings = (
        adapt(detector, anomalies, data=data, device="cpu") for data in (None, clips)
    )
    for one, other in zip(by_replay.score(anomalies), by_recordings.score(anomalies), strict=True):
        assert one.posterior == pytest.approx(other.posterior, abs=0.01)
        assert one.distance == pytest.approx(other.distance, rel=0.05)


# Threshold and scale


def test_scale_and_threshold_come_from_held_out_normals_alone(
    detector: Detector, clips: Manifest
) -> None:
    adapted = adapt(
        detector, files(clips, "anomaly"), normals=files(clips, "normal"), data=clips, device="cpu"
    )
    held_out = named(clips, adapted.info.provenance.held_out)
    assert len(held_out) == len(adapted.info.held_out) == 3  # two of old, one of three new ones
    scored = adapted.score(held_out)
    fitted = threshold_of(adapted.info.model_copy(update={"silenced": ()}))
    assert fitted.value == pytest.approx(max(clip.score for clip in scored))
    low = np.mean([clip.distance for clip in scored])
    assert adapted.info.scale.low == pytest.approx(low, rel=1e-4)
    assert adapted.info.held_out != detector.info.held_out


def test_alpha_and_the_false_alarm_rate_stay_the_parents(
    detector: Detector, clips: Manifest
) -> None:
    info = detector.info.model_copy(update={"alpha": 0.3, "alpha_origin": "6 validation clips"})
    adapted = adapt(dataclasses.replace(detector, info=info), files(clips, "anomaly"), device="cpu")
    assert (adapted.info.alpha, adapted.info.alpha_origin) == (0.3, "6 validation clips")
    assert adapted.recipe == detector.recipe
    assert adapted.threshold.false_alarm_rate == detector.threshold.false_alarm_rate


def test_a_share_of_the_false_alarm_rate_of_held_out_clips_is_above_the_threshold(
    clips: Manifest, tiny_recipe: Recipe
) -> None:
    parent = fitted(
        clips, tiny_recipe, training={"held_out": 0.5}, scoring={"false_alarm_rate": 0.3}
    )
    adapted = adapt(parent, files(clips, "anomaly"), data=clips, device="cpu")
    scored = adapted.score(named(clips, adapted.info.provenance.held_out))
    # The clip that the threshold is made of lies on it, but for the last bit.
    above = [clip.score > adapted.threshold.value + 1e-9 for clip in scored]
    assert len(above) == 6
    assert np.mean(above) <= 0.3


def test_the_new_bundle_scores_its_stored_clips_as_it_states(
    detector: Detector, clips: Manifest, tmp_path: Path
) -> None:
    adapted = adapt(detector, files(clips, "anomaly"), device="cpu")
    adapted.save(tmp_path / "adapted.rattle")
    loaded = Detector.load(tmp_path / "adapted.rattle", device="cpu")
    assert loaded.verify() == pytest.approx(0, abs=1e-6)
    assert loaded.info.golden != detector.info.golden
    assert loaded.info == adapted.info


def test_machines_of_any_name_are_adapted_from_a_file(
    clips: Manifest, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    names = {"synth_fan": 'press 3|west, "new"', "synth_valve": "Öfen\n#1"}
    table = clips.table.with_columns(
        pl.col("machine_type").replace_strict(names), machine_id=pl.lit("")
    )
    renamed, machine = Manifest(table), Machine(names["synth_fan"], "")
    recipe = tiny_recipe.with_values(training={"iterations": 1})
    fit(renamed, machine, recipe=recipe, device="cpu").save(tmp_path / "odd.rattle")
    parent = Detector.load(tmp_path / "odd.rattle", device="cpu")
    assert list(parent.replay.outliers) == [names["synth_valve"]]
    for data in (None, renamed):
        adapted = adapt(parent, files(clips, "anomaly"), data=data, device="cpu")
        adapted.save(tmp_path / "adapted.rattle")
        assert Detector.load(tmp_path / "adapted.rattle").machine == machine


# Provenance


def test_the_bundle_names_its_parent_and_the_clips_by_hash(
    detector: Detector, bundle_file: Path, clips: Manifest
) -> None:
    anomalies, normals = files(clips, "anomaly"), files(clips, "normal")
    adapted = adapt(detector, anomalies, normals=normals, seed=3, device="cpu")
    origin, made = detector.info.provenance, adapted.info.provenance
    assert made.parent == Detector.load(bundle_file).bundle().identity
    assert set(made.anomalies) == hashes(anomalies)
    assert {*made.trained, *made.held_out} == {*origin.trained, *origin.held_out} | hashes(normals)
    assert made.seed == 3
    assert made.data_hash != origin.data_hash
    assert (made.outliers, made.outliers_substitute) == (origin.outliers, False)
    assert set(made.used) == {*origin.used} | hashes(anomalies) | hashes(normals)


def test_no_clip_is_on_two_sides(detector: Detector, clips: Manifest) -> None:
    made = adapt(
        detector, files(clips, "anomaly"), normals=files(clips, "normal"), device="cpu"
    ).info.provenance
    assert max(Counter(made.used).values()) == 1


def test_an_adapted_bundle_is_adapted_further_and_forgets_no_anomaly(
    detector: Detector, clips: Manifest, seen: list[BatchSource], which: Which
) -> None:
    first, second, third = files(clips, "anomaly")
    once = adapt(detector, [first], device="cpu")
    by_replay = adapt(once, [second], device="cpu")
    by_data = adapt(once, [second], data=clips, device="cpu")
    thrice = adapt(by_data, [third], device="cpu")
    assert [which(source.anomalies) for source in seen] == [
        hashes([first]),
        hashes([first, second]),
        hashes([first, second]),
        hashes([first, second, third]),
    ]
    assert by_replay.info.provenance.parent == once.bundle().identity
    assert set(thrice.info.provenance.anomalies) == hashes([first, second, third])


def test_anomalies_that_are_lost_are_still_named(
    clips: Manifest, tiny_recipe: Recipe, seen: list[BatchSource], which: Which
) -> None:
    """So that it is never evaluated on them; and it is said how many are learnt from."""
    first, second, _ = files(clips, "anomaly")
    once = adapt(
        fitted(clips, tiny_recipe, adaptation={"replay_clips": 0}),
        [first],
        data=clips,
        device="cpu",
    )
    told: list[Recovered] = []
    job = AdaptJob(
        once,
        labelled([second], "anomaly"),
        NOTHING,
        Recordings(clips.of(split="train")),
        device="cpu",
    )
    watch = Watch(on_recovered=told.append)
    (made,) = make(job, watch=watch)
    assert set(made.info.provenance.anomalies) == hashes([first, second])
    assert which(seen[-1].anomalies) == hashes([second])
    assert [recovered.anomalies for recovered in told] == [(0, 1)]


# Which clips are learnt from


@pytest.mark.parametrize("found", [True, False], ids=["recordings", "replay"])
def test_known_and_new_clips_are_trained_on_and_held_out_ones_are_not(
    found: bool, detector: Detector, clips: Manifest, seen: list[BatchSource], which: Which
) -> None:
    adapted = adapt(
        detector,
        files(clips, "anomaly"),
        normals=files(clips, "normal"),
        data=clips if found else None,
        device="cpu",
    )
    (source,) = seen
    made = adapted.info.provenance
    assert which(source.normals) == set(made.trained)
    assert len(made.trained) == 10 + 2
    assert which(source.anomalies) == hashes(files(clips, "anomaly"))
    assert not which(source.normals) & set(made.held_out)
    assert [len(machine) for machine in source.outliers] == [12]


def test_few_new_normals_are_all_trained_on(
    detector: Detector, clips: Manifest, seen: list[BatchSource], which: Which
) -> None:
    rejected = files(clips, "normal")[:1]
    adapted = adapt(detector, [], normals=rejected, device="cpu")
    assert which(seen[0].normals) == {*detector.info.provenance.trained} | hashes(rejected)
    assert adapted.info.provenance.held_out == detector.info.provenance.held_out
    assert adapted.info.provenance.anomalies == ()


def test_a_normal_that_was_trained_on_changes_sides(
    detector: Detector, clips: Manifest, seen: list[BatchSource], which: Which
) -> None:
    origin = detector.info.provenance
    wrong = named(clips, [origin.trained[0], origin.held_out[0]])
    for data in (None, clips):
        made = adapt(detector, wrong, data=data, device="cpu").info.provenance
        assert set(made.anomalies) == hashes(wrong)
        assert set(made.trained) == {*origin.trained} - hashes(wrong)
        assert set(made.held_out) == {*origin.held_out} - hashes(wrong)
        assert which(seen[-1].anomalies) == hashes(wrong)
        assert which(seen[-1].normals) == set(made.trained)


def test_an_anomaly_that_turns_out_normal_changes_sides_and_is_never_held_out(
    detector: Detector, clips: Manifest, seen: list[BatchSource], which: Which
) -> None:
    """The parent has learnt from it: a threshold fitted on it would not be honest."""
    anomalies = files(clips, "anomaly")
    once = adapt(detector, anomalies, device="cpu")
    for data in (None, clips):
        made = adapt(once, [], normals=anomalies, data=data, device="cpu").info.provenance
        assert made.anomalies == ()
        assert set(made.trained) == {*detector.info.provenance.trained} | hashes(anomalies)
        assert made.held_out == detector.info.provenance.held_out
        assert len(seen[-1].anomalies) == 0
        assert which(seen[-1].normals) == set(made.trained)


def test_normals_given_again_stay_where_they_were(
    detector: Detector, clips: Manifest, seen: list[BatchSource], which: Which
) -> None:
    origin = detector.info.provenance
    every = list(clips.of(FAN, split="train").table["path"])
    made = adapt(detector, files(clips, "anomaly"), normals=every, device="cpu").info.provenance
    assert set(made.trained) == set(origin.trained) == which(seen[0].normals)
    assert set(made.held_out) == set(origin.held_out)


def test_what_was_both_trained_on_and_held_out_is_not_held_out(
    detector: Detector, clips: Manifest, seen: list[BatchSource], which: Which
) -> None:
    """A recording that lay in the folder twice may be on both sides of a parent."""
    origin = detector.info.provenance
    both = origin.model_copy(update={"held_out": (origin.trained[0], *origin.held_out)})
    info = detector.info.model_copy(update={"provenance": both})
    parent = dataclasses.replace(detector, info=info)
    for normals in ([], named(clips, origin.trained[:1])):
        made = adapt(parent, files(clips, "anomaly"), normals=normals, data=clips, device="cpu")
        assert made.info.provenance.held_out == origin.held_out
        assert len(made.info.held_out) == 2
        assert which(seen[-1].normals) == set(origin.trained)


def test_a_validation_clip_is_not_held_out(clips: Manifest, detector: Detector) -> None:
    normals = files(clips, "normal")
    origin = detector.info.provenance.model_copy(update={"validation": tuple(hashes(normals))})
    info = detector.info.model_copy(update={"provenance": origin})
    made = adapt(dataclasses.replace(detector, info=info), [], normals=normals, device="cpu")
    assert made.info.provenance.held_out == origin.held_out


def test_what_changes_sides_is_told(detector: Detector, clips: Manifest) -> None:
    told: list[NewClips] = []
    wrong = named(clips, detector.info.provenance.trained[:2])
    watch = Watch(on_new_clips=told.append)
    (once,) = make(
        AdaptJob(detector, labelled(wrong, "anomaly"), NOTHING, None, device="cpu"), watch=watch
    )
    right = [*wrong, *files(clips, "normal")]
    make(AdaptJob(once, NOTHING, labelled(right, "normal"), None, device="cpu"), watch=watch)
    assert told == [
        NewClips(anomalies=2, normals=0, held_out=0, were_normal=2, were_anomalies=0),
        NewClips(anomalies=0, normals=5, held_out=1, were_normal=0, were_anomalies=2),
    ]


def test_the_replay_set_holds_new_and_old_clips_even_where_it_is_short(
    clips: Manifest, tiny_recipe: Recipe
) -> None:
    short = fitted(clips, tiny_recipe, adaptation={"replay_clips": 4})
    assert len(short.replay.normals) == 4
    assert short.replay.anomalies == {}
    adapted = adapt(
        short, files(clips, "anomaly"), normals=files(clips, "normal"), data=clips, device="cpu"
    )
    kept = adapted.replay
    new = hashes(files(clips, "normal"))
    assert len(kept.normals) == 4
    assert len(new & kept.normals.keys()) == len(new - {*adapted.info.provenance.held_out}) == 2
    assert kept.anomalies.keys() == hashes(files(clips, "anomaly"))
    assert len(new & kept.held_out.keys()) == 1
    assert kept.normals.keys() <= {*adapted.info.provenance.trained}
    assert kept.held_out.keys() <= {*adapted.info.provenance.held_out}


# What turns up


def noise(path: Path, seconds: float, rate_hz: int = 16_000) -> Path:
    rng = np.random.default_rng(round(seconds * 10))
    sf.write(path, 0.1 * rng.standard_normal(round(seconds * rate_hz)), rate_hz)
    return path


def test_short_long_and_resampled_anomalies_are_learnt_from(
    detector: Detector, tmp_path: Path, seen: list[BatchSource]
) -> None:
    given = [
        noise(tmp_path / "short.wav", 0.3),
        noise(tmp_path / "long.wav", 45.0),
        noise(tmp_path / "fast.wav", 3.0, 44_100),
    ]
    adapted = adapt(detector, given, device="cpu")
    frames = {
        content_hash(path): round(s * 31.25) for path, s in zip(given, (0.3, 45, 3), strict=True)
    }
    lengths = sorted(len(clip) for clip in seen[0].anomalies)
    assert lengths == pytest.approx(sorted(frames.values()), abs=2)
    kept = {hash_: len(clip) for hash_, clip in adapted.replay.anomalies.items()}
    # Of the long one as much as a clip may last: 30 s.
    assert kept == pytest.approx(
        {hash_: min(n, round(30 * 31.25) + 1) for hash_, n in frames.items()}, abs=2
    )


def test_a_cut_anomaly_is_refused_by_its_name(detector: Detector, tmp_path: Path) -> None:
    whole = noise(tmp_path / "alarm.wav", 3.0)
    whole.write_bytes(whole.read_bytes()[:20_000])
    with pytest.raises(ClipError, match=r"alarm\.wav: cut short"):
        adapt(detector, [whole], device="cpu")


def test_one_clip_cannot_be_both(detector: Detector, clips: Manifest) -> None:
    one = files(clips, "anomaly")[0]
    with pytest.raises(DataError, match=r"\.wav is given as an anomaly and as normal; decide"):
        adapt(detector, [one], normals=[one], device="cpu")


def test_nothing_to_learn_from_is_refused(detector: Detector) -> None:
    with pytest.raises(DataError, match="give anomalies, normal clips, or both"):
        adapt(detector, [], device="cpu")


@pytest.mark.parametrize("head", [False, True])
def test_one_path_that_is_in_no_list_is_refused(detector: Detector, head: bool) -> None:
    with pytest.raises(DataError, match=r'anomalies are a list, not one path: .* \["worn.wav"\]'):
        adapt(detector, "faults", head=head)
    with pytest.raises(DataError, match="normals are a list, not one path"):
        adapt(detector, [], normals=Path("healthy"), head=head)


def test_a_baseline_is_refused(clips: Manifest, tiny_recipe: Recipe) -> None:
    parent = fit(clips, FAN, recipe=tiny_recipe.for_method("knn"), device="cpu")
    with pytest.raises(
        DataError, match=r"a baseline \(knn\), which learns from normal clips alone"
    ):
        adapt(parent, files(clips, "anomaly"), device="cpu")


def test_training_clips_given_as_anomalies_by_mistake_are_refused(
    detector: Detector, clips: Manifest
) -> None:
    """As when the folder of all recordings is given in place of the one of faults."""
    every = list(clips.of(FAN, split="train").table["path"])
    with pytest.raises(
        DataError, match=r"3 of the anomalies .* as normal, and only 9 normal clips would be left"
    ):
        adapt(detector, every[:3], device="cpu")
    adapt(detector, every[:2], device="cpu")
    with pytest.raises(DataError, match=r"12 of the anomalies .* only 3 normal clips"):
        adapt(detector, every, normals=files(clips, "normal"), data=clips, device="cpu")


def test_without_a_held_out_clip_left_it_is_refused(detector: Detector, clips: Manifest) -> None:
    wrong = named(clips, detector.info.provenance.held_out)
    with pytest.raises(DataError, match=r"10 normal clips are left to train on and 0 to fit"):
        adapt(detector, wrong, device="cpu")
    adapted = adapt(detector, wrong, normals=files(clips, "normal"), device="cpu")
    assert len(adapted.info.held_out) == 1


# What a later adaptation finds again


def job_of(
    detector: Detector, anomalies: Sequence[str], normals: Sequence[str], clips: Manifest | None
) -> AdaptJob:
    return AdaptJob(
        detector,
        labelled(anomalies, "anomaly"),
        labelled(normals, "normal"),
        None if clips is None else Recordings(clips),
        device="cpu",
    )


def test_what_was_given_holds_known_and_new_clips_once_and_newly_labelled(
    detector: Detector, clips: Manifest
) -> None:
    wrong = named(clips, detector.info.provenance.trained[:1])
    new = files(clips, "anomaly")
    given = job_of(detector, [*new, *wrong], files(clips, "normal"), clips).sources
    assert given is not None
    assert len(given.clips) == len(clips)
    labels = {clip.content_hash: (clip.split, clip.label) for clip in given.clips.of(FAN)}
    assert {labels[hash_] for hash_ in hashes([*new, *wrong])} == {("train", "anomaly")}
    assert {labels[hash_] for hash_ in hashes(files(clips, "normal"))} == {("train", "normal")}
    # The pool stays what it was, though a given clip tells no source set.
    assert len(given.clips.outliers_for(FAN)) == len(clips.outliers_for(FAN)) == 12
    assert given.clips.table["path"].is_sorted()


def test_where_only_replay_was_used_nothing_is_to_be_found(
    detector: Detector, clips: Manifest
) -> None:
    assert job_of(detector, files(clips, "anomaly"), [], None).sources is None


def test_a_job_knows_the_detector_it_gives(detector: Detector, clips: Manifest) -> None:
    first, *others = files(clips, "anomaly")
    normals = files(clips, "normal")
    wrong = named(clips, detector.info.provenance.held_out[:1])
    job = job_of(detector, [first, *wrong], normals, None)
    (detector_made,) = make(job)
    made = detector_made.info
    assert job.gives(made)
    assert not job.gives(detector.info)
    assert not job_of(detector, [first, *others, *wrong], normals, None).gives(made)
    assert not job_of(detector, wrong, normals, None).gives(made)
    assert not job_of(detector, [first, *wrong], normals[1:], None).gives(made)
    parent = dataclasses.replace(detector, info=detector.info.model_copy(update={"alpha": 0.1}))
    assert not job_of(parent, [first, *wrong], normals, None).gives(made)

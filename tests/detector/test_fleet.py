"""A fleet: one training, a detector of each machine, one encoder in all of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile as sf

import rattle
from rattle import DataError, Detector, Machine, Manifest, Recipe, RecipeError
from rattle.clips.amplitude import Amplitude
from rattle.clips.labelled import labelled_clips
from rattle.clips.layouts import load_manifest, load_outliers
from rattle.detector.adapt import AdaptJob
from rattle.detector.finish import make
from rattle.detector.fit import training_jobs
from rattle.detector.fleet import FleetJob
from rattle.detector.job import Watch
from rattle.errors import Interrupted
from rattle.features.front_end import FrontEnd
from rattle.features.views import views
from rattle.learning.outliers import OutlierPool
from rattle.learning.train import Step
from rattle.recipe.parts import LOSSES, Audio
from rattle.runtime.scorer import Scorer
from rattle.runtime.stream import Stream
from rattle.scoring.clip import clip_value
from rattle.scoring.windows import clip_windows, cut

FAN, VALVE = Machine("synth_fan", "id_00"), Machine("synth_valve", "id_00")
RATE_HZ = 16_000

NOTHING = Manifest.from_clips([])

Fleet = dict[Machine, Detector]


def encoder(detector: Detector) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in detector.model.learnt()["encoder"].items()}


def unheard(clips: Manifest, machine: Machine = FAN) -> list[str]:
    return list(clips.of(machine, split="test").table["path"])


def fan_alone(clips: Manifest) -> Manifest:
    return clips.of(FAN)


@pytest.fixture(scope="module")
def scorer(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    file = tmp_path_factory.mktemp("exported") / "fan.rattle"
    rattle.export(fleet[FAN]).save(file)
    return Scorer.load(file)


# One training


def test_each_machine_has_a_detector_with_the_same_encoder_and_a_head_of_its_own(
    fleet: Fleet,
) -> None:
    assert set(fleet) == {FAN, VALVE}
    assert encoder(fleet[FAN]) == encoder(fleet[VALVE])
    heads = [detector.model.learnt()["head"] for detector in fleet.values()]
    assert not np.array_equal(heads[0]["weight"], heads[1]["weight"])
    assert not np.array_equal(heads[0]["centres"], heads[1]["centres"])
    for detector in fleet.values():
        assert detector.info.provenance.fleet == (str(FAN), str(VALVE))
        assert detector.verify() < 1e-6


def test_one_machine_asked_for_is_what_it_is_in_the_whole_fleet(
    clips: Manifest, tiny_fleet: Recipe, fleet: Fleet
) -> None:
    alone = rattle.fit(clips, FAN, recipe=tiny_fleet, device="cpu")
    assert encoder(alone) == encoder(fleet[FAN])
    assert alone.score(unheard(clips)) == fleet[FAN].score(unheard(clips))


def test_an_interrupted_training_ends_with_the_same_bytes(
    clips: Manifest, tiny_fleet: Recipe, fleet: Fleet, tmp_path: Path
) -> None:
    (job,) = training_jobs(clips, [FAN, VALVE], tiny_fleet, device="cpu")
    steps: list[Step] = []
    watch = Watch(on_step=steps.append, stop_requested=lambda: len(steps) == 3)
    checkpoint = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Interrupted):
        make(job, watch=watch, checkpoint=checkpoint)
    detectors = make(job, checkpoint=checkpoint)
    for detector in detectors:
        whole = fleet[detector.machine]
        assert encoder(detector) == encoder(whole)
        assert detector.info.held_out == whole.info.held_out


def test_another_seed_gives_another_encoder(
    clips: Manifest, tiny_fleet: Recipe, fleet: Fleet
) -> None:
    other = rattle.fit(clips, FAN, recipe=tiny_fleet, seed=1, device="cpu")
    assert encoder(other) != encoder(fleet[FAN])


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_trains_a_fleet(clips: Manifest, tiny_fleet: Recipe, loss) -> None:
    recipe = tiny_fleet.for_method(loss)
    detector = rattle.fit(clips, FAN, recipe=recipe, device="cpu")
    head = detector.model.learnt()["head"]
    assert ("weight" in head) == loss.startswith("bce")
    # DDCSAD's d is measured from three windows of each normal, DSAD's from its centroid.
    centres = {"bce": 0, "dsad": 1, "bce+dsad": 1}
    count = len(head["centres"]) if "centres" in head else 0
    assert count == centres.get(loss, 3 * len(detector.info.provenance.trained))
    for clip in detector.score(unheard(clips)):
        assert np.isfinite(clip.score)


def test_from_the_centroid_where_the_recipe_says_so(clips: Manifest, tiny_fleet: Recipe) -> None:
    recipe = tiny_fleet.with_values(scoring={"distance": "centroid"})
    detector = rattle.fit(clips, FAN, recipe=recipe, device="cpu")
    assert len(detector.model.learnt()["head"]["centres"]) == 1


def test_a_baseline_has_no_encoder_to_share(clips: Manifest, tiny_fleet: Recipe) -> None:
    detector = rattle.fit(clips, FAN, recipe=tiny_fleet.for_method("knn"), device="cpu")
    assert set(detector.model.learnt()) == {"baseline"}
    assert np.isfinite(detector.score(unheard(clips))[0].score)


@pytest.mark.parametrize(
    ("part", "values", "said"),
    [
        ("training", {"encoder": "own"}, "are of a shared encoder"),
        ("adaptation", {"learning_rate": "anneal"}, 'only be "restart"'),
    ],
)
def test_a_recipe_that_does_not_fit_together_is_refused(
    tiny_fleet: Recipe, part: str, values: dict[str, object], said: str
) -> None:
    with pytest.raises(RecipeError, match=said):
        tiny_fleet.with_values(**{part: values})


def test_all_machines_are_normalised_by_their_own_amplitude(tiny_fleet: Recipe) -> None:
    with pytest.raises(RecipeError, match='only be "own"'):
        tiny_fleet.with_values(audio={"amplitude": "target"})


# Who is in it


def test_a_machine_with_few_clips_is_an_outlier_and_has_no_detector(
    clips: Manifest, tiny_fleet: Recipe
) -> None:
    valves = clips.of(VALVE, split="train").table.head(3)
    few = Manifest(pl.concat([clips.of(FAN).table, valves]).sort("path"))
    detector = rattle.fit(few, FAN, recipe=tiny_fleet, device="cpu")
    assert detector.info.provenance.fleet == (str(FAN), str(VALVE))
    assert set(detector.replay.outliers) >= {str(VALVE)}
    with pytest.raises(DataError, match="has 3 normal training clips; at least 8"):
        rattle.fit(few, VALVE, recipe=tiny_fleet, device="cpu")


def test_a_machine_that_is_not_there_is_refused_before_anything_is_trained(
    clips: Manifest, tiny_fleet: Recipe
) -> None:
    with pytest.raises(DataError, match="the machines at hand are: synth_fan/id_00"):
        rattle.fit(clips, "synth_fan/id_07", recipe=tiny_fleet, device="cpu")


def test_a_machine_alone_learns_from_copies_of_itself_and_says_so(
    clips: Manifest, tiny_fleet: Recipe
) -> None:
    pools: list[OutlierPool] = []
    (job,) = training_jobs(fan_alone(clips), [FAN], tiny_fleet, device="cpu")
    (detector,) = make(job, watch=Watch(on_pool=pools.append))
    assert pools[0].substitute
    assert "COPIES" in detector.info.provenance.outliers
    assert detector.info.provenance.outliers_substitute
    assert detector.info.provenance.fleet == (str(FAN),)
    assert len(detector.replay.outliers) == 8


def test_a_log_mel_encoder_may_be_shared_too(clips: Manifest, tiny_recipe: Recipe) -> None:
    recipe = tiny_recipe.with_values(training={"encoder": "shared"})
    detectors = rattle.fit_fleet(clips, recipe=recipe, device="cpu")
    assert encoder(detectors[FAN]) == encoder(detectors[VALVE])


def test_a_silent_machine_is_left_out_by_name(
    clips: Manifest, tiny_fleet: Recipe, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(9):
        folder = tmp_path / "mute" / "normal"
        folder.mkdir(parents=True, exist_ok=True)
        silence = np.zeros(3 * RATE_HZ)
        silence[number] = 1e-12
        sf.write(folder / f"{number}.wav", silence, RATE_HZ, "FLOAT")
    data = Manifest(pl.concat([clips.table, load_manifest(tmp_path).table]).sort("path"))
    detector = rattle.fit(data, FAN, recipe=tiny_fleet, device="cpu")
    assert detector.info.provenance.fleet == (str(FAN), str(VALVE))
    assert "9 of 33 clips are left out: " in caplog.text
    assert f"{tmp_path / 'mute' / 'normal' / '0.wav'} (silent for 3 s)" in caplog.text
    assert "and 6 more" in caplog.text
    few = "machine mute has 0 normal training clips.*9 of 33 clips are left out"
    with pytest.raises(DataError, match=few):
        rattle.fit(data, Machine("mute", ""), recipe=tiny_fleet, device="cpu")


def test_the_same_machine_in_another_set_is_no_outlier(clips: Manifest, tiny_fleet: Recipe) -> None:
    namesake = FAN.of_set("monday")
    table = clips.of(VALVE).table.with_columns(
        machine_type=pl.lit(namesake.type), machine_id=pl.lit(namesake.id)
    )
    both = Manifest(pl.concat([clips.of(FAN).table, table]).sort("path"))
    (job,) = training_jobs(both, [FAN, namesake], tiny_fleet, device="cpu")
    for detector in make(job):
        # Copies are all that either has to tell itself from.
        assert detector.replay.outliers
        assert all("of its speed" in name for name in detector.replay.outliers)
        assert detector.info.provenance.outliers_substitute
    few = clips.of(VALVE, split="train").table.head(3)
    rest = both.table.filter(~pl.col("path").is_in(few["path"].to_list()))
    third = Manifest(pl.concat([rest, few]).sort("path"))
    detector = rattle.fit(third, FAN, recipe=tiny_fleet, device="cpu")
    assert set(detector.replay.outliers) == {str(VALVE)}
    assert "same machine in another set" in detector.info.provenance.outliers


def test_outliers_given_join_the_machines(
    clips: Manifest, tiny_fleet: Recipe, tmp_path: Path
) -> None:
    for number in range(3):
        noise = np.random.default_rng(number).standard_normal(3 * RATE_HZ) * 0.1
        (tmp_path / "yard").mkdir(exist_ok=True)
        sf.write(tmp_path / "yard" / f"{number}.wav", noise, RATE_HZ)
    detector = rattle.fit(fan_alone(clips), FAN, recipe=tiny_fleet, outliers=tmp_path, device="cpu")
    assert not detector.info.provenance.outliers_substitute
    assert len(detector.info.provenance.fleet) == 2


def test_of_outliers_given_none_is_a_machines_own(clips: Manifest, tiny_fleet: Recipe) -> None:
    """What is held out of a machine, and what tests it, stays unheard."""
    detector = rattle.fit(clips, FAN, recipe=tiny_fleet, outliers=clips, device="cpu")
    origin = detector.info.provenance
    assert origin.fleet == (str(FAN), str(VALVE))
    heard = {name for of in detector.replay.outliers.values() for name in of}
    assert not heard & {*clips.of(FAN).hashes()}


# Numbers that follow from the clips


def test_more_clips_take_more_iterations_by_the_root(tiny_fleet: Recipe) -> None:
    recipe = tiny_fleet.with_values(training={"iterations": 200, "clips": 1000})
    counts = {
        n: recipe.for_clips([[300] * (n // 2)] * 2).training.iterations
        for n in (10, 1000, 4000, 40_000)
    }
    assert counts == {10: 200, 1000: 200, 4000: 400, 40_000: 1265}


def test_short_clips_have_a_shorter_window(tiny_fleet: Recipe) -> None:
    recipe = tiny_fleet.with_values(features={"window_frames": 256})
    lengths = {n: recipe.for_clips([[n] * 20]).features.window_frames for n in (20, 31, 100, 313)}
    assert lengths == {20: 32, 31: 32, 100: 96, 313: 256}
    # A short one among many long ones does not count, nor does a machine of short ones.
    assert recipe.for_clips([[40, *[313] * 20]]).features.window_frames == 256
    assert recipe.for_clips([[313] * 20, [40] * 90, [313] * 20]).features.window_frames == 256


def test_the_numbers_that_were_chosen_are_those_of_the_bundle(tiny_fleet: Recipe) -> None:
    recipe = tiny_fleet.with_values(training={"clips": 1}).for_clips([[94] * 24])
    assert recipe.for_clips([[94] * 24]) == recipe
    assert Recipe.from_toml(recipe.to_toml()) == recipe


def test_clips_of_a_second_train_and_score(tiny_fleet: Recipe, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, hz in (("press", 700), ("drill", 1900)):
        for number in range(12):
            folder = tmp_path / name / "normal"
            folder.mkdir(parents=True, exist_ok=True)
            time_s = np.arange(RATE_HZ) / RATE_HZ
            sound = np.sin(2 * np.pi * hz * time_s) + 0.3 * rng.standard_normal(RATE_HZ)
            sf.write(folder / f"{number}.wav", 0.1 * sound, RATE_HZ)
    recipe = tiny_fleet.with_values(features={"window_frames": 256})
    detectors = rattle.fit_fleet(load_manifest(tmp_path), recipe=recipe, device="cpu")
    for detector in detectors.values():
        assert detector.recipe.features.window_frames == 32
        assert detector.verify() < 1e-6


# The graph and streams


def test_the_graph_scores_as_torch_does(fleet: Fleet, scorer: Scorer, clips: Manifest) -> None:
    files = unheard(clips)
    for ours, theirs in zip(scorer.score(files), fleet[FAN].score(files), strict=True):
        assert ours.score == pytest.approx(theirs.score, abs=1e-4)


def test_a_clip_heard_whole_scores_alike_by_graph_and_torch(
    clips: Manifest, tiny_fleet: Recipe, tmp_path: Path
) -> None:
    recipe = tiny_fleet.with_values(scoring={"view": "whole"})
    detector = rattle.fit(clips, FAN, recipe=recipe, device="cpu")
    rattle.export(detector).save(tmp_path / "fan.rattle")
    files = unheard(clips)
    found = Scorer.load(tmp_path / "fan.rattle").score(files)
    for ours, theirs in zip(found, detector.score(files), strict=True):
        assert len(ours.windows) == 1
        assert ours.score == pytest.approx(theirs.score, abs=1e-4)


def test_the_machines_of_a_fleet_share_a_session(fleet: Fleet, tmp_path: Path) -> None:
    scorers = []
    for machine, detector in fleet.items():
        file = tmp_path / f"{machine.slug}.rattle"
        rattle.export(detector).save(file)
        scorers.append(Scorer.load(file))
    assert scorers[0].graph is scorers[1].graph


@pytest.mark.parametrize("chunk", [777, 16_000, 400_000])
def test_a_stream_scores_as_the_recording_of_it(scorer: Scorer, clips: Manifest, chunk) -> None:
    sound = np.concatenate([scorer.samples(file) for file in clips.table["path"][:13]])
    (whole,) = scorer.score([sound])
    stream = Stream(scorer)
    windows = [
        window
        for first in range(0, len(sound), chunk)
        for window in stream.push(sound[first : first + chunk])
    ]
    assert len(windows) >= 30
    for window, offline in zip(windows, whole.windows, strict=False):
        assert window.start_s == offline.start_s
        assert window.score == pytest.approx(offline.score, abs=1e-4)


def test_no_part_of_a_clip_goes_unheard(fleet: Fleet, clips: Manifest) -> None:
    sound = np.concatenate([fleet[FAN].samples(file) for file in unheard(clips)[:6]])
    loud = sound.copy()
    middle = slice(len(sound) // 2 - RATE_HZ, len(sound) // 2 + RATE_HZ)
    loud[middle] += np.random.default_rng(0).standard_normal(2 * RATE_HZ).astype(np.float32)
    before, after = fleet[FAN].score([sound, loud])
    assert len(before.windows) == -(-len(sound) // (64 * 512))
    assert before.score != after.score


@pytest.mark.parametrize("constants", [(0.0, 0.0), (0.1, 0.1), (0.5, 0.5), (0.0, 0.3), (-0.2, 0.1)])
@pytest.mark.parametrize("frames", [20, 63, 64, 65, 90, 96, 97, 150, 2000])
@pytest.mark.parametrize("view", ["windows", "whole"])
def test_spectra_without_torch_are_those_of_training(
    scorer: Scorer, view: str, frames: int, constants: tuple[float, float]
) -> None:
    """Whatever constant is in the machine's sound and in the clip's, and however long it is."""
    of_machine, of_clip = constants
    recipe = scorer.recipe.with_values(scoring={"view": view})
    amplitude = Amplitude(of_machine, 0.1)
    rng = np.random.default_rng(frames)
    noise = 0.1 * rng.standard_normal((frames - 1) * recipe.features.hop_samples + 77)
    samples = (noise + of_clip).astype(np.float32)
    windows = clip_windows(frames, recipe)
    rows = FrontEnd.of(recipe).features(samples, amplitude)
    cuts = cut(rows, windows.starts, windows.length)
    features = recipe.features
    _, expected = views(cuts, features.mel_bands, features.window_frames)
    info = scorer.info.model_copy(update={"amplitude": amplitude, "recipe": recipe})
    found = dataclasses.replace(scorer, info=info).spectra(samples, windows.frames(frames))
    np.testing.assert_allclose(found, expected, atol=2e-3)


@pytest.mark.parametrize("frames", [64, 160])
def test_silence_scores_alike_by_graph_and_torch(
    clips: Manifest, tiny_fleet: Recipe, frames: int, tmp_path: Path
) -> None:
    """Of a constant a transform of a length with factors 5 leaves rounding, and no spectrum."""
    recipe = tiny_fleet.with_values(features={"window_frames": frames, "hop_samples": 256})
    detector = rattle.fit(clips, FAN, recipe=recipe, device="cpu")
    rattle.export(detector).save(tmp_path / "fan.rattle")
    half = np.concatenate([np.zeros(3 * RATE_HZ), 0.1 * np.ones(3 * RATE_HZ)]).astype(np.float32)
    scorers = (Scorer.load(tmp_path / "fan.rattle"), detector)
    ours, theirs = (clip_value(of.parts(half), of.mix()) for of in scorers)
    assert ours == pytest.approx(theirs, rel=1e-5)


def test_a_clip_shorter_than_a_window_scores_alike_by_graph_and_torch(
    fleet: Fleet, scorer: Scorer, clips: Manifest
) -> None:
    short = scorer.samples(unheard(clips)[0])[: RATE_HZ // 2]
    assert scorer.score([short])[0].score == pytest.approx(
        fleet[FAN].score([short])[0].score, abs=1e-4
    )


def test_a_loaded_detector_scores_as_the_one_that_was_saved(
    fleet: Fleet, clips: Manifest, tmp_path: Path
) -> None:
    fleet[FAN].save(tmp_path / "fan.rattle")
    loaded = Detector.load(tmp_path / "fan.rattle", device="cpu")
    assert loaded.score(unheard(clips)) == fleet[FAN].score(unheard(clips))
    assert loaded.info == fleet[FAN].info


# Learning on


def test_a_machine_of_a_fleet_is_adapted_from_recordings_and_by_replay(
    fleet: Fleet, clips: Manifest
) -> None:
    anomalies = list(clips.of(FAN, split="test", label="anomaly").table["path"])
    for data in (clips, None):
        adapted = rattle.adapt(fleet[FAN], anomalies[:2], data=data, device="cpu")
        assert encoder(adapted) != encoder(fleet[FAN])
        assert adapted.verify() < 1e-6
        again = rattle.adapt(adapted, anomalies[2:], data=data, device="cpu")
        assert len(again.info.provenance.anomalies) == 3


def test_a_machine_alone_is_adapted_with_its_copies(clips: Manifest, tiny_fleet: Recipe) -> None:
    alone = fan_alone(clips)
    detector = rattle.fit(alone, FAN, recipe=tiny_fleet, device="cpu")
    anomalies = list(clips.of(FAN, split="test", label="anomaly").table["path"])
    for data in (alone, None):
        adapted = rattle.adapt(detector, anomalies[:1], data=data, device="cpu")
        assert adapted.info.provenance.outliers == detector.info.provenance.outliers
        assert adapted.info.provenance.outliers_substitute


def test_outliers_given_stay_beside_the_other_machines_when_it_learns_on(
    clips: Manifest, tiny_fleet: Recipe, tmp_path: Path
) -> None:
    yard = tmp_path / "yard"
    yard.mkdir()
    for number in range(3):
        noise = np.random.default_rng(number).standard_normal(3 * RATE_HZ) * 0.1
        sf.write(yard / f"{number}.wav", noise, RATE_HZ)
    (job,) = training_jobs(clips, [FAN], tiny_fleet, outliers=load_outliers(tmp_path), device="cpu")
    (detector,) = make(job)
    anomalies = Manifest.from_clips(
        labelled_clips([Path(path) for path in unheard(clips)[:1]], FAN, "anomaly", Audio())
    )
    adaptation = AdaptJob(detector, anomalies, NOTHING, job.sources, device="cpu")
    (adapted,) = make(adaptation)
    assert len(adapted.replay.outliers) == 2


def test_a_job_knows_the_detectors_it_gives(
    clips: Manifest, tiny_fleet: Recipe, fleet: Fleet
) -> None:
    (job,) = training_jobs(clips, [FAN, VALVE], tiny_fleet, device="cpu")
    assert isinstance(job, FleetJob)
    assert all(job.gives(detector.info) for detector in fleet.values())
    assert not dataclasses.replace(job, seed=1).gives(fleet[FAN].info)
    other = dataclasses.replace(job, asked=tiny_fleet.for_method("bce"))
    assert not other.gives(fleet[FAN].info)
    # Numbers that follow from the clips do not make another job.
    short = fleet[FAN].info.model_copy(update={"recipe": tiny_fleet.for_clips([[40] * 20])})
    assert short.recipe != fleet[FAN].info.recipe
    assert job.gives(short)

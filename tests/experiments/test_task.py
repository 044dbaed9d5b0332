"""Tasks: which anomalies are drawn, where a task runs, and what it leaves."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from made_up_outcomes import make_manifest
from rattle import Detector, Machine, Manifest, Recipe, adapt
from rattle.errors import Interrupted
from rattle.experiments.folder import open_folder
from rattle.experiments.task import Setting, Task, draw_anomalies, run_task
from rattle.runs.outcome import Outcome, read_embeddings

FAN, VALVE = Machine("synth_fan", "id_00"), Machine("synth_valve", "id_00")
TRAINING = Task(1, 0, "bce+ddcsad", FAN)


@pytest.fixture(scope="module")
def many() -> Manifest:
    return make_manifest(
        ("fan/id_00", "test", "anomaly", 90),
        ("fan/id_00", "test", "normal", 30),
        ("fan/id_00", "train", "anomaly", 5),
        ("fan/id_02", "test", "anomaly", 90),
    )


def hashes(clips: list) -> list[str]:
    return [clip.content_hash for clip in clips]


def test_fewer_drawn_anomalies_are_the_first_of_more(many: Manifest) -> None:
    machine = Machine("fan", "id_00")
    draws = [hashes(draw_anomalies(many, machine, n, 7)) for n in (0, 1, 2, 4, 8, 64, 90)]
    for fewer, more in pairwise(draws):
        assert more[: len(fewer)] == fewer
    assert [len(draw) for draw in draws] == [0, 1, 2, 4, 8, 64, 90]
    assert len(set(draws[-1])) == 90


def test_only_the_machines_own_test_anomalies_are_drawn(many: Manifest) -> None:
    drawn = draw_anomalies(many, Machine("fan", "id_00"), 90, 0)
    assert {(str(c.machine), c.split, c.label) for c in drawn} == {("fan/id_00", "test", "anomaly")}


def test_the_draw_depends_on_contents_and_not_on_names_or_order(many: Manifest) -> None:
    machine, rng = Machine("fan", "id_00"), np.random.default_rng(0)
    clips = list(many)
    renamed = Manifest.from_clips(
        dataclasses.replace(clip, path=f"/other/{place}.flac")
        for clip, place in zip(clips, rng.permutation(len(clips)), strict=True)
    )
    assert hashes(list(renamed)) != hashes(clips)
    for count in (4, 64):
        assert hashes(draw_anomalies(renamed, machine, count, 3)) == hashes(
            draw_anomalies(many, machine, count, 3)
        )


def test_every_anomaly_is_drawn_equally_often_over_seeds(many: Manifest) -> None:
    counts = dict.fromkeys(hashes(draw_anomalies(many, Machine("fan", "id_00"), 90, 0)), 0)
    for seed in range(200):
        for name in hashes(draw_anomalies(many, Machine("fan", "id_00"), 9, seed)):
            counts[name] += 1
    # Of a binomial distribution with 200 draws of 1 in 10: 20 +- 4.2; six deviations at most.
    assert all(0 < count < 46 for count in counts.values())
    assert sum(counts.values()) == 1800


def test_adaptations_start_from_the_training_that_tables_share() -> None:
    adaptation = Task(1, 4, "bce+ddcsad", FAN, 64)
    assert adaptation.parent == TRAINING
    assert TRAINING.parent is None
    assert adaptation.title == "bce+ddcsad synth_fan/id_00 seed 1, 4 anomalies by encoder"
    by_head = Task(0, 1, "bce", VALVE, 64, way="head")
    assert by_head.title == "bce synth_valve/id_00 seed 0, 1 anomaly by head"
    assert by_head.parent == Task(0, 0, "bce", VALVE)
    assert TRAINING.title == "bce+ddcsad synth_fan/id_00 seed 1"


def test_every_task_runs_in_a_folder_of_its_own() -> None:
    tasks = [
        Task(seed, count, method, machine, count and drawn, way=way)
        for way in ("encoder", "head")
        for seed in (0, 1)
        for count, drawn in ((0, 0), (1, 4), (1, 8), (4, 4))
        for method in ("bce", "knn")
        for machine in (FAN, VALVE)
        if count or way == "encoder"
    ]
    folders = {task.run_folder(Path("out")).path for task in tasks}
    assert len(folders) == len(tasks)
    assert not any(one in other.parents for one in folders for other in folders)
    assert tasks[0].run_folder(Path("out")).path == Path("out/bce/seed-0/synth_fan_id_00")


@pytest.fixture(scope="module")
def setting(
    clips: Manifest, tiny_recipe: Recipe, tmp_path_factory: pytest.TempPathFactory
) -> Setting:
    folder = tmp_path_factory.mktemp("experiment")
    open_folder(folder, clips, tiny_recipe)
    return Setting(folder, device="cpu")


@pytest.fixture(scope="module")
def trained(setting: Setting) -> Outcome:
    run_task(TRAINING, setting, lambda: False)
    return Outcome.read(TRAINING.run_folder(setting.folder).outcome)


@pytest.fixture(scope="module")
def adapted(setting: Setting, trained: Outcome) -> Outcome:
    task = Task(1, 1, "bce+ddcsad", FAN, 2)
    run_task(task, setting, lambda: False)
    return Outcome.read(task.run_folder(setting.folder).outcome)


def test_a_trainings_outcome_scores_as_its_bundle_does(
    trained: Outcome, setting: Setting, clips: Manifest
) -> None:
    assert TRAINING.is_done(setting.folder)
    detector = Detector.load(TRAINING.out(setting.folder) / "synth_fan_id_00.rattle", device="cpu")
    test = clips.of(FAN, split="test")
    assert [clip.content_hash for clip in trained.clips] == test.table["content_hash"].to_list()
    paths = [clip.path for clip in test]
    for scale in ("fixed", "paper"):
        scores = [clip.score for clip in detector.score(paths, scale=scale)]
        normal, anomaly = trained.scores(scale=scale)
        by_label = {label: [] for label in ("normal", "anomaly")}
        for clip, score in zip(test, scores, strict=True):
            by_label[clip.label].append(score)
        assert normal == pytest.approx(by_label["normal"], rel=1e-5, abs=1e-6)
        assert anomaly == pytest.approx(by_label["anomaly"], rel=1e-5, abs=1e-6)
    assert (trained.method, trained.machine, trained.seed) == ("bce+ddcsad", "synth_fan/id_00", 1)
    assert (trained.anomalies, trained.drawn) == (0, ())
    assert trained.threshold == detector.threshold.value


def test_a_network_leaves_an_embedding_a_clip(trained: Outcome, setting: Setting) -> None:
    embeddings = read_embeddings(TRAINING.run_folder(setting.folder).embeddings)
    assert embeddings is not None
    assert len(embeddings) == len(trained.clips)
    assert len(np.unique(embeddings, axis=0)) == len(trained.clips)


def test_an_adaptation_learns_from_the_first_drawn_and_names_all_drawn(
    adapted: Outcome, trained: Outcome, setting: Setting, clips: Manifest
) -> None:
    drawn = hashes(draw_anomalies(clips, FAN, 2, 1))
    assert adapted.drawn == tuple(drawn)
    assert adapted.anomalies == 1
    bundle = Task(1, 1, "bce+ddcsad", FAN, 2).out(setting.folder) / "synth_fan_id_00.rattle"
    assert Detector.load(bundle).info.provenance.anomalies == (drawn[0],)
    # All test clips are in it; which ones count is decided where the figure is made.
    assert [c.content_hash for c in adapted.clips] == [c.content_hash for c in trained.clips]
    assert adapted.scores(scale="fixed")[1].size == 3
    assert adapted.scores(scale="fixed", without=adapted.drawn)[1].size == 1


def test_a_head_learns_as_the_command_lets_it_and_its_encoder_stays(
    adapted: Outcome, trained: Outcome, setting: Setting, clips: Manifest
) -> None:
    task = Task(1, 1, "bce+ddcsad", FAN, 2, way="head")
    run_task(task, setting, lambda: False)
    outcome = Outcome.read(task.run_folder(setting.folder).outcome)
    assert (outcome.way, outcome.anomalies, outcome.drawn) == ("head", 1, adapted.drawn)
    assert (adapted.way, trained.way) == ("encoder", "encoder")
    start, learnt = (
        Detector.load(t.run_folder(setting.folder).bundle, device="cpu") for t in (TRAINING, task)
    )
    drawn = [clip.path for clip in draw_anomalies(clips, FAN, 1, 1)]
    by_hand = adapt(start, drawn, head=True, device="cpu")
    before, found, expected = (d.model.learnt() for d in (start, learnt, by_hand))
    assert before["encoder"].keys() == found["encoder"].keys()
    for name, weights in before["encoder"].items():
        assert np.array_equal(found["encoder"][name], weights)
    for name, weights in expected["head"].items():
        assert np.array_equal(found["head"][name], weights)
    assert not np.array_equal(found["head"]["weight"], before["head"]["weight"])
    assert outcome.threshold == by_hand.threshold.value
    # A run folder as the command leaves it: the encoder could learn from it later.
    assert drawn[0] in task.run_folder(setting.folder).clips.read_text()


def test_a_task_that_is_asked_to_stop_keeps_its_state_and_goes_on(
    clips: Manifest, tiny_recipe: Recipe, tmp_path: Path, trained: Outcome
) -> None:
    open_folder(tmp_path, clips, tiny_recipe)
    setting = Setting(tmp_path, device="cpu")
    with pytest.raises(Interrupted):
        run_task(TRAINING, setting, lambda: True)
    assert not TRAINING.is_done(tmp_path)
    run_task(TRAINING, setting, lambda: False)
    outcome = Outcome.read(TRAINING.run_folder(tmp_path).outcome)
    assert outcome.model_copy(update={"seconds": 0}) == trained.model_copy(update={"seconds": 0})


def test_a_setting_prepares_itself_for_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RATTLE_STORE", "store")
    there = Setting(Path("out")).for_cluster()
    assert there == Setting(tmp_path / "out", "cpu", tmp_path / "store")
    assert not Setting(Path("out")).needs_gpu
    assert Setting(Path("out"), "cuda:1").needs_gpu

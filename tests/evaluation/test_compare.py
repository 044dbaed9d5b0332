"""Two detectors on the same clips: the verdict, who changed sides, and which clips count."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile as sf

from rattle import DataError, Detector, Machine, Manifest
from rattle.evaluation.compare import CHANGES, Comparison, compare, remarks
from rattle.evaluation.scored import check_scored
from rattle.evaluation.scoring import score_pair
from rattle.scoring.delong import delong

FAN = Machine("synth_fan", "id_00")


@pytest.fixture(scope="module")
def other(detector: Detector) -> Detector:
    """The detector as if trained by its posterior alone: other scores of the same machine."""
    return changed(detector, alpha=1.0)


def changed(detector: Detector, **info: object) -> Detector:
    return dataclasses.replace(detector, info=detector.info.model_copy(update=info))


def having_seen(detector: Detector, clips: Sequence[str], use: str = "trained") -> Detector:
    """The detector with further clips, by content hash, among those that it was made from."""
    origin = detector.info.provenance
    seen = (*getattr(origin, use), *clips)
    return changed(detector, provenance=origin.model_copy(update={use: seen}))


def spread(first: float, last: float, clips: int = 30) -> list[float]:
    return list(np.linspace(first, last, clips))


# The comparison


def test_a_detector_whose_scores_separate_better_is_better_and_the_other_way_round_worse(
    make_scored,
) -> None:
    good = make_scored(normal=spread(0, 0.5), anomaly=spread(0.4, 1))
    poor = make_scored(normal=spread(0, 0.8), anomaly=spread(0.3, 1))
    assert compare(poor, good).verdict == "better"
    assert compare(good, poor).verdict == "worse"
    assert compare(good, good).verdict == "no difference shown"
    assert compare(good, good).interval == (0, 0)


def test_a_difference_that_the_clips_cannot_show_is_no_difference(make_scored) -> None:
    good = make_scored(normal=spread(0, 0.5, 4), anomaly=spread(0.4, 1, 4))
    poor = make_scored(normal=spread(0, 0.8, 4), anomaly=spread(0.3, 1, 4))
    comparison = compare(good, poor)
    assert comparison.old.ranking.auc > comparison.new.ranking.auc
    assert comparison.verdict == "no difference shown"
    low, high = comparison.interval
    assert low < 0 < high


def test_the_interval_is_delongs_of_the_same_scores(make_scored) -> None:
    rng = np.random.default_rng(1)
    normal, anomaly = rng.normal(0, 1, (2, 25)), rng.normal(1, 1, (2, 35))
    old, new = (make_scored(normal=n, anomaly=a) for n, a in zip(normal, anomaly, strict=True))
    assert compare(old, new).interval == delong(normal, anomaly)


def test_each_change_of_sides_is_named_by_what_it_means(make_scored) -> None:
    sides = {"normal": [0.1, 0.9, 0.2, 0.8], "anomaly": [0.1, 0.9, 0.2, 0.8]}
    old = make_scored(**sides, unknown=[0.1, 0.9, 0.2, 0.8])
    turned = {"normal": [0.7, 0.3, 0.2, 0.8], "anomaly": [0.7, 0.3, 0.2, 0.8]}
    new = make_scored(**turned, unknown=[0.7, 0.3, 0.2, 0.8])
    found = {
        kind: [(clip.label, clip.old_score, clip.new_score) for clip in clips]
        for kind, clips in compare(old, new).changed.items()
    }
    assert found == {
        "now missed": [("anomaly", 0.9, 0.3)],
        "now caught": [("anomaly", 0.1, 0.7)],
        "new false alarm": [("normal", 0.1, 0.7)],
        "false alarm gone": [("normal", 0.9, 0.3)],
        "new alarm, unlabelled": [("unknown", 0.1, 0.7)],
        "alarm gone, unlabelled": [("unknown", 0.9, 0.3)],
    }
    assert list(found) == list(CHANGES.values())
    assert len(compare(old, new).clips) == 12
    assert compare(old, old).changed == {}


def test_decisions_are_by_each_detectors_own_threshold(make_scored) -> None:
    old = make_scored(normal=[1, 2], anomaly=[3, 4], threshold=2.5)
    new = make_scored(normal=[10, 20], anomaly=[30, 40], threshold=35)
    comparison = compare(old, new)
    assert comparison.old.confusion.misses == 0
    assert comparison.new.confusion.misses == 1
    (missed,) = comparison.changed["now missed"]
    assert (missed.old_score, missed.new_score) == (3, 30)


def test_the_clip_farthest_from_the_new_threshold_comes_first(make_scored) -> None:
    old = make_scored(anomaly=[0.9] * 3, normal=[0.1] * 3)
    new = make_scored(anomaly=[0.4, 0.1, 0.3], normal=[0.6, 0.9, 0.8])
    changed_clips = compare(old, new).changed
    assert [clip.new_score for clip in changed_clips["now missed"]] == [0.1, 0.3, 0.4]
    assert [clip.new_score for clip in changed_clips["new false alarm"]] == [0.9, 0.8, 0.6]


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        ({"normal": [0.1, 0.6]}, "no labelled anomaly, so there is no AUC"),
        ({"anomaly": [0.1, 0.6]}, "no labelled normal, so there is no AUC"),
        ({"unknown": [0.1, 0.6]}, "no labelled clip, so there is no AUC"),
        ({"normal": [0.1, 0.6], "anomaly": [0.7]}, "at least 2 normal and 2 anomalous clips, here"),
        ({"normal": [0.1], "anomaly": [0.7, 0.6]}, "anomalous clips, here are 1 and 2"),
    ],
)
def test_without_two_clips_of_each_class_there_is_no_verdict_but_the_decisions(
    scores: dict[str, list[float]], reason: str, make_scored
) -> None:
    raised = {label: [score + 0.45 for score in of] for label, of in scores.items()}
    comparison = compare(make_scored(**scores), make_scored(**raised))
    assert comparison.interval is None
    assert comparison.verdict is None
    assert reason in comparison.reason
    assert remarks(comparison) == []
    assert sum(map(len, comparison.changed.values())) == 1


def test_tables_of_other_clips_labels_or_machines_are_refused(make_scored) -> None:
    table = make_scored(normal=[0.1, 0.2], anomaly=[0.8, 0.9])
    others = {
        "fewer": table.head(3),
        "order": table.reverse(),
        "label": table.with_columns(label=pl.lit("normal")),
        "machine": table.with_columns(machine_id=pl.lit("id_02")),
        "two machines": pl.concat([table, make_scored("fan/id_02", normal=[0.1])]),
    }
    for other_table in others.values():
        with pytest.raises(DataError, match="do not hold the same clips of one machine"):
            compare(table, other_table)
    with pytest.raises(DataError, match="do not hold the same clips of one machine"):
        compare(others["two machines"], others["two machines"])


def test_remarks_say_few_clips_ties_and_an_interval_without_width(make_scored) -> None:
    few = make_scored(normal=[0.1, 0.2, 0.2], anomaly=[0.2, 0.9])
    texts = " ".join(remarks(compare(few, few)))
    assert "Fewer than 20 clips of a class" in texts
    assert "no width" in texts
    assert "old: 33.3% of the pairs have equal scores" in texts
    assert "new: 33.3%" in texts
    rng = np.random.default_rng(2)
    many = [make_scored(normal=rng.normal(0, 1, 20), anomaly=rng.normal(1, 1, 20)) for _ in "ab"]
    assert remarks(compare(*many)) == []


# Which clips are scored


def test_both_score_the_same_clips_and_say_what_each_says_alone(
    detector: Detector, other: Detector, clips: Manifest
) -> None:
    pair = score_pair(detector, other, clips)
    test = clips.of(FAN, split="test")
    for table, alone in ((pair.old, detector), (pair.new, other)):
        check_scored(table)
        assert list(table["path"]) == list(test.table["path"])
        expected = alone.score(list(test.table["path"]))
        assert list(table["score"]) == [clip.score for clip in expected]
    assert list(pair.old["score"]) != list(pair.new["score"])
    assert pair.unread == 0


@pytest.mark.parametrize("use", ["trained", "held_out", "anomalies", "validation"])
def test_what_either_has_seen_is_left_out_for_both_and_said(
    use: str, detector: Detector, other: Detector, clips: Manifest
) -> None:
    test = clips.of(FAN, split="test").table
    old = having_seen(detector, test["content_hash"][:1], use)
    new = having_seen(other, test["content_hash"][:3], use)
    for first, second in ((old, new), (new, old)):
        pair = score_pair(first, second, clips)
        assert list(pair.old["path"]) == list(pair.new["path"]) == list(test["path"][3:])
        assert pair.notes[0] == (
            "synth_fan/id_00: 3 of 6 test clips were used in training one of the two bundles and "
            "are left out"
        )


def test_a_copy_of_a_clip_that_one_has_seen_is_left_out(
    detector: Detector, other: Detector, clips: Manifest
) -> None:
    test = list(clips.of(FAN, split="test"))
    copy = dataclasses.replace(test[0], path="/elsewhere/copy.wav")
    new = having_seen(other, [copy.content_hash])
    pair = score_pair(detector, new, Manifest.from_clips([copy, *test]))
    assert list(pair.new["path"]) == [clip.path for clip in test[1:]]


def test_nothing_left_to_compare_on_is_an_error_that_says_why(
    detector: Detector, other: Detector, clips: Manifest
) -> None:
    every = having_seen(other, clips.table["content_hash"])
    with pytest.raises(DataError, match=r"no test clip of synth_fan/id_00 .*; .* 6 of 6 test"):
        score_pair(detector, every, clips)
    with pytest.raises(DataError, match=r"no test clip of synth_fan/id_00 to compare on$"):
        score_pair(detector, other, clips.of(split="train"))


def test_a_clip_that_cannot_be_read_is_left_out_for_both_and_named_once(
    detector: Detector, other: Detector, clips: Manifest
) -> None:
    test = list(clips.of(FAN, split="test"))
    gone = dataclasses.replace(test[2], path="/gone.wav")
    pair = score_pair(detector, other, Manifest.from_clips([*test[:2], gone, *test[3:]]))
    assert pair.unread == 1
    assert sum("/gone.wav: there is no such file" in note for note in pair.notes) == 1
    assert "/gone.wav" not in [*pair.old["path"], *pair.new["path"]]
    assert pair.old.height == pair.new.height == 5
    assert isinstance(compare(pair.old, pair.new), Comparison)


def test_a_clip_that_one_of_them_cannot_read_is_left_out_for_both(
    detector: Detector, other: Detector, clips: Manifest, tmp_path: Path
) -> None:
    # The new detector listens to the second channel, which the last file lacks.
    recipe = other.recipe.with_values(audio={"channel": 1})
    test = []
    for clip in list(clips.of(FAN, split="test"))[:3]:
        samples, rate_hz = sf.read(clip.path)
        path = tmp_path / Path(clip.path).name
        sf.write(path, np.stack([samples] * 2, axis=1) if len(test) < 2 else samples, rate_hz)
        test.append(dataclasses.replace(clip, path=str(path)))
    pair = score_pair(detector, changed(other, recipe=recipe), Manifest.from_clips(test))
    assert pair.unread == 1
    assert list(pair.old["path"]) == list(pair.new["path"]) == [clip.path for clip in test[:2]]
    assert pair.notes[0].startswith(f"{test[2].path}: ")


def test_bundles_of_two_machines_are_refused(detector: Detector, clips: Manifest) -> None:
    valve = changed(detector, machine="synth_valve/id_00")
    with pytest.raises(
        DataError, match="old bundle is of synth_fan/id_00 and the new one of synth_valve/id_00"
    ):
        score_pair(detector, valve, clips)


def test_a_warning_that_holds_for_both_is_said_once(
    detector: Detector, other: Detector, clips: Manifest
) -> None:
    origin = other.info.provenance.model_copy(update={"outliers_substitute": True})
    pair = score_pair(detector, changed(other, provenance=origin), clips)
    assert f"old and new: {detector.threshold.warning}" in pair.notes
    assert "new: trained against substitute outliers" in pair.notes
    assert len(pair.notes) == 2

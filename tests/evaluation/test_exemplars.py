"""Which clips are shown, and what is said of them."""

from __future__ import annotations

from pathlib import Path

from rattle.evaluation.exemplars import exemplars


def names(groups: dict) -> dict[str, list[str]]:
    return {title: [Path(clip.path).stem for clip in clips] for title, clips in groups.items()}


def test_extremes_and_worst_mistakes_are_shown_worst_first(make_scored) -> None:
    clips = make_scored(normal=[0.1, 0.2, 0.6, 0.7, 0.3], anomaly=[0.9, 0.4, 0.8, 0.35])
    assert names(exemplars(clips)) == {
        "Least anomalous": ["normal_0000", "normal_0001"],
        "Anomalies scored lowest": ["anomaly_0008", "anomaly_0006"],
        "Normals scored highest": ["normal_0003", "normal_0002"],
        "Most anomalous": ["anomaly_0005", "anomaly_0007"],
    }


def test_groups_of_the_same_clips_are_shown_once_under_both_titles(make_scored) -> None:
    assert list(exemplars(make_scored(normal=[0.1, 0.2, 0.6]))) == [
        "Least anomalous",
        "Normals scored highest, most anomalous",
    ]


def test_a_verdict_names_the_mistakes(make_scored) -> None:
    clips = make_scored(normal=[0.1, 0.9], anomaly=[0.2, 0.8], unknown=[0.3, 0.7])
    shown = {clip.score: clip.verdict for group in exemplars(clips).values() for clip in group}
    assert shown == {0.1: "no alarm", 0.2: "miss", 0.8: "alarm", 0.9: "false alarm"}

"""An evaluation of small tables whose figures are known."""

from __future__ import annotations

import polars as pl
import pytest

from rattle.errors import DataError
from rattle.evaluation.evaluate import evaluate
from rattle.evaluation.remarks import remarks
from rattle.evaluation.scored import SCORED


def test_means_are_over_ids_and_then_over_types(make_scored) -> None:
    evaluation = evaluate(
        pl.concat(
            [
                make_scored("pump/id_00", normal=[0.1, 0.6], anomaly=[0.3]),  # AUC 1/2
                make_scored("fan/id_02", normal=[0.1], anomaly=[0.9]),  # AUC 1
                make_scored("fan/id_00", normal=[0.8], anomaly=[0.2, 0.9]),  # AUC 1/2
            ]
        )
    )
    assert [str(r.machine) for r in evaluation.machines] == ["fan/id_00", "fan/id_02", "pump/id_00"]
    assert [t.mean.auc for t in evaluation.types] == [0.75, 0.5]
    assert evaluation.average.auc == 0.625
    assert evaluation.official_score is None


def test_a_machine_tells_its_false_alarms_misses_and_ties(make_scored) -> None:
    (result,) = evaluate(
        make_scored(normal=[0.1, 0.7, 0.7], anomaly=[0.7, 0.4], unknown=[0.9, 0.2])
    ).machines
    assert (result.confusion.false_alarms, result.confusion.misses) == (2, 1)
    assert (result.n_clips, result.n_unknown, result.alarms) == (7, 2, 4)
    assert result.ranking.tied_share == 2 / 6
    assert result.ranking.auc == 2 / 6


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        ({"normal": [0.1, 0.9]}, "no labelled anomaly"),
        ({"anomaly": [0.1, 0.9], "unknown": [0.3]}, "no labelled normal"),
        ({"unknown": [0.1, 0.9]}, "no labelled clip"),
    ],
)
def test_a_machine_without_both_classes_is_counted_but_not_ranked(
    make_scored, scores, reason
) -> None:
    ranked = make_scored("fan/id_00", normal=[0.1], anomaly=[0.9])
    evaluation = evaluate(pl.concat([ranked, make_scored("fan/id_02", **scores)]))
    result = evaluation.machines[1]
    assert result.ranking is None
    assert result.reason == reason
    assert result.alarms == 1
    mean = evaluation.types[0].mean
    assert (mean.counted, mean.left_out, mean.over) == (1, ("fan/id_02",), "1 of 2")
    assert any("fan/id_02" in line and reason in line for line in remarks(evaluation))


def test_without_any_ranking_there_is_no_mean(make_scored) -> None:
    evaluation = evaluate(make_scored(unknown=[0.1, 0.9]))
    assert evaluation.types[0].mean is None
    assert evaluation.average is None


def test_a_domain_sets_its_normals_against_the_anomalies_of_both(make_scored) -> None:
    scored = make_scored(
        "fan/section_00",
        normal=[0.1, 0.6],
        anomaly=[0.5, 0.7],
        domains=["source", "target", "source", "target"],
    )
    evaluation = evaluate(scored)
    ranking = evaluation.machines[0].ranking
    # The target's normal at 0.6 meets the source's anomaly at 0.5 too, and loses one of two.
    assert (ranking.auc_source, ranking.auc_target) == (1.0, 0.5)
    assert evaluation.has_domains
    assert evaluation.official_score == pytest.approx(3 / (1 / 1.0 + 1 / 0.5 + 1 / ranking.pauc))


def test_a_machine_with_normals_of_one_domain_has_no_part_in_the_official_score(
    make_scored,
) -> None:
    one = make_scored(normal=[0.1], anomaly=[0.9], domains=["target", "target"])
    evaluation = evaluate(one)
    assert evaluation.machines[0].ranking.auc_source is None
    assert evaluation.official_score is None


def test_remarks_warn_of_few_clips_ties_and_intervals_without_width(make_scored) -> None:
    perfect = make_scored("fan/id_00", normal=[0.1] * 20, anomaly=[0.9] * 20)
    tied = make_scored("fan/id_02", normal=[0.1, 0.2], anomaly=[0.2, 0.3])
    lines = remarks(evaluate(pl.concat([perfect, tied])))
    assert len(lines) == 3
    assert lines[0].startswith("fan/id_02: fewer than 20 clips")
    assert lines[1].startswith("fan/id_00: at an AUC of 0 or 1")
    assert lines[2].startswith("fan/id_02: 25.0% of its pairs have equal scores")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": float("nan")}, "not finite"),
        ({"label": "faulty"}, "unknown label"),
        ({"domain": "elsewhere"}, "unknown domain"),
        ({"anomalous": True}, "against their threshold"),
        ({"threshold": 0.4}, "more than one threshold"),
        ({"label": None}, "lack a value"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused_with_the_clip_named(
    make_scored, change, message
) -> None:
    rows = make_scored(normal=[0.1, 0.3]).to_dicts()
    rows[0] |= change
    with pytest.raises(DataError, match=f"{message}.*normal_0000.wav"):
        evaluate(pl.DataFrame(rows, schema=SCORED))


def test_other_columns_and_an_empty_table_are_refused(make_scored) -> None:
    with pytest.raises(DataError, match="need the columns"):
        evaluate(make_scored(normal=[0.1]).drop("domain"))
    with pytest.raises(DataError, match="no scored clips"):
        evaluate(SCORED.to_frame())

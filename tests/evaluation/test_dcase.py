"""The DCASE files, byte for byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from rattle.evaluation.dcase import write_dcase
from rattle.evaluation.evaluate import evaluate
from rattle.evaluation.metrics import pauc


def test_files_are_those_of_the_official_baseline_byte_for_byte(
    make_scored, tmp_path: Path
) -> None:
    scored = pl.concat(
        [
            make_scored("fan/id_02", normal=[0.1, 0.30000000000000004], anomaly=[0.9]),
            make_scored("fan/id_00", normal=[0.5, 0.25], anomaly=[0.375]),
            make_scored("ToyCar/id_01", normal=[0.0], anomaly=[1e-07]),
        ]
    )
    files = write_dcase(evaluate(scored), scored, tmp_path / "out")
    low = pauc(np.array([0.5, 0.25]), np.array([0.375]))
    assert {path.name: path.read_bytes() for path in files} == {
        "anomaly_score_ToyCar_id_01.csv": b"normal_0000.wav,0.0\nanomaly_0001.wav,1e-07\n",
        "anomaly_score_fan_id_00.csv": (
            b"normal_0000.wav,0.5\nnormal_0001.wav,0.25\nanomaly_0002.wav,0.375\n"
        ),
        "anomaly_score_fan_id_02.csv": (
            b"normal_0000.wav,0.1\nnormal_0001.wav,0.30000000000000004\nanomaly_0002.wav,0.9\n"
        ),
        "result.csv": (
            "ToyCar\nid,AUC,pAUC\n01,1.0,1.0\nAverage,1.0,1.0\n\n"
            f"fan\nid,AUC,pAUC\n00,0.5,{low}\n02,1.0,1.0\nAverage,0.75,{(low + 1) / 2}\n\n"
        ).encode(),
    }
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        path.name for path in files
    )


def test_unlabelled_machines_have_score_files_and_no_result(make_scored, tmp_path: Path) -> None:
    scored = make_scored("fan/id_01", unknown=[0.2, 0.9])
    (only,) = write_dcase(evaluate(scored), scored, tmp_path)
    assert only.read_text() == "unknown_0000.wav,0.2\nunknown_0001.wav,0.9\n"


def test_a_machine_without_a_ranking_has_no_row_in_the_result(make_scored, tmp_path: Path) -> None:
    ranked = make_scored("fan/id_00", normal=[0.1], anomaly=[0.9])
    scored = pl.concat([ranked, make_scored("fan/id_01", unknown=[0.2])])
    write_dcase(evaluate(scored), scored, tmp_path)
    assert (tmp_path / "result.csv").read_text() == (
        "fan\nid,AUC,pAUC\n00,1.0,1.0\nAverage,1.0,1.0\n\n"
    )


def test_a_file_name_with_a_comma_is_quoted(make_scored, tmp_path: Path) -> None:
    scored = make_scored("press", normal=[0.1]).with_columns(path=pl.lit("/data/a,b.wav"))
    (only,) = write_dcase(evaluate(scored), scored, tmp_path)
    assert only.name == "anomaly_score_press.csv"
    assert only.read_text() == '"a,b.wav",0.1\n'

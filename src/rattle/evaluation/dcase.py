"""Write score and result files as the official baseline of DCASE 2020 Task 2 writes them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

from rattle.atomic import write_text
from rattle.clips.machine import Machine
from rattle.evaluation.evaluate import Evaluation
from rattle.evaluation.scored import by_machine


def write_dcase(evaluation: Evaluation, scored: pl.DataFrame, folder: Path) -> list[Path]:
    """Write ``anomaly_score_<type>_id_<nn>.csv`` for each machine, and ``result.csv``.

    A score file has no header and a row ``file name,score`` a clip, in the order of ``scored``.
    The result file has for each type its name, ``id,AUC,pAUC``, a row an id, ``Average`` and an
    empty line. Machines without a ranking have no row there; where none has one (an unlabelled
    evaluation set) there is no result file. AUC counts ties as equation 6 does.

    Returns the files written, the result file last.
    """
    files = {
        f"anomaly_score_{machine.slug}.csv": _score_rows(clips)
        for machine, clips in by_machine(scored)
    }
    if evaluation.average:
        files["result.csv"] = _result_rows(evaluation)
    for name, rows in files.items():
        write_text(folder / name, _csv(rows))
    return [folder / name for name in files]


def _score_rows(clips: pl.DataFrame) -> list[Sequence[object]]:
    return [(Path(path).name, score) for path, score in clips.select("path", "score").iter_rows()]


def _result_rows(evaluation: Evaluation) -> list[Sequence[object]]:
    rows: list[Sequence[object]] = []
    for type_ in evaluation.types:
        if type_.mean:
            rows += [(type_.name,), ("id", "AUC", "pAUC")]
            rows += [
                (_number(result.machine), result.ranking.auc, result.ranking.pauc)
                for result in type_.machines
                if result.ranking
            ]
            rows += [("Average", type_.mean.auc, type_.mean.pauc), ()]
    return rows


def _number(machine: Machine) -> str:
    """Take the id without its prefix: ``00`` of ``id_00``."""
    return machine.id.partition("_")[2] or machine.id


def _csv(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()

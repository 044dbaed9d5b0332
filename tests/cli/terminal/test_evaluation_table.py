"""The terminal table as it is read when piped."""

from __future__ import annotations

import io

import polars as pl
from rich.console import Console

from rattle.cli.terminal.evaluation_table import to_table
from rattle.evaluation.evaluate import Evaluation, evaluate


def piped(evaluation: Evaluation) -> list[str]:
    text = io.StringIO()
    Console(file=text, width=80).print(to_table(evaluation))
    return text.getvalue().splitlines()


def test_a_row_holds_a_machine_its_figures_and_its_mistakes(make_scored) -> None:
    scored = pl.concat(
        [
            make_scored("fan/id_00", normal=[0.1, 0.2, 0.8], anomaly=[0.3, 0.9]),
            make_scored("fan/id_02", normal=[0.1]),
            make_scored("pump/id_00", normal=[0.1], anomaly=[0.4]),
        ]
    )
    rows = {tuple(line.split()) for line in piped(evaluate(scored))}
    assert ("fan/id_00", "0.833", "0.41-1.00", "0.737", "1/3", "1/2") in rows
    assert ("fan/id_02", "-", "-", "-", "0/1", "-") in rows
    assert ("fan,", "mean", "of", "1", "of", "2", "0.833", "0.737") in rows
    assert ("average", "of", "2", "types", "0.917", "0.868") in rows


def test_domains_get_columns_and_the_official_score_a_line(make_scored) -> None:
    scored = make_scored(
        "bearing/section_00", normal=[0.1, 0.6], anomaly=[0.5], domains=["source", "target", ""]
    )
    lines = piped(evaluate(scored))
    row = next(line for line in lines if "bearing" in line).split()
    assert row[0] == "bearing/section_00"
    assert row[4:6] == ["1.000", "0.000"]
    assert any("official score 0.000" in line for line in lines)


def test_brackets_in_a_name_are_printed_as_they_are(make_scored) -> None:
    lines = piped(evaluate(make_scored("[red]fan/id_00", normal=[0.1], anomaly=[0.9])))
    assert any("[red]fan/id_00" in line for line in lines)

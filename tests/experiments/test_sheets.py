"""Results as Markdown, CSV and HTML: every figure is there, and no name breaks the page."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from made_up_outcomes import make_manifest, make_outcome
from rattle import Machine
from rattle.errors import DataError
from rattle.experiments.experiment import Selection
from rattle.experiments.figure2 import Point
from rattle.experiments.figure2_plot import as_svg, draw_figure2
from rattle.experiments.paper import Figure2Experiment, Table1Experiment, Table2Experiment
from rattle.experiments.peers import PEERS
from rattle.experiments.results import figure2_result, table1_result, table2_result
from rattle.experiments.sheets import Result, Sheet
from rattle.experiments.table1 import Row
from rattle.experiments.table2 import table2

HOSTILE = '<b>a|b</b> & "c" \\|*_x_*'
VOID = {"meta"}
SELECTION = Selection(losses=("bce+dsad",), seeds=(0,))


class Page(HTMLParser):
    """A page's tables and text; fails where an element is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data


def markdown_tables(text: str) -> list[list[list[str]]]:
    """The cells of each table as a reader sees them."""
    tables: list[list[list[str]]] = []
    for block in text.split("\n\n"):
        if block.startswith("| "):
            lines = [re.split(r"(?<!\\) \| ", line[2:-2]) for line in block.splitlines()]
            heading, rule, *rows = lines
            assert re.fullmatch(r"(---:? ?)+", " ".join(rule))
            tables.append([[re.sub(r"\\(.)", r"\1", c) for c in line] for line in (heading, *rows)])
            assert {len(line) for line in lines} == {len(heading)}
    return tables


@pytest.fixture
def result() -> Result:
    return Result(
        name="table2",
        title=f"Of {HOSTILE}",
        sheets=(
            Sheet("first", ("machine", HOSTILE), ((HOSTILE, "1.0"), ("synth_fan/id_00", "-"))),
            Sheet(HOSTILE, ("machine", "bce", "dsad"), (("all", "2.0 ± 0.1", "3.0"),)),
        ),
        fields=("machine", "auc", "error"),
        values=((HOSTILE, 1 / 3, None), ("a,b\n", 0.1, 2e-17)),
        notes=(f"note on {HOSTILE}",),
    )


def test_markdown_keeps_cells_apart_whatever_the_names_hold(result: Result) -> None:
    text = result.markdown()
    assert markdown_tables(text) == [[list(s.heading), *map(list, s.rows)] for s in result.sheets]
    assert "synth_fan/id_00" in text  # underscores within a name need no escape
    markup = r"\<b\>a\|b\</b\> \& "
    assert text.count(markup) == 5
    assert not re.search(r"(?<!\\)[<>&*]", text)


def test_a_line_break_in_a_name_ends_no_line() -> None:
    sheet = Sheet("a\n\nb", ("machine", "bce"), (("c\nd", "1"),))
    text = Result("x", "t", (sheet,), ("f",), (), ("e\n# f",)).markdown()
    assert text.splitlines() == [
        "# t", "", "a b", "", "| machine | bce |", "| --- | ---: |", "| c d | 1 |", "", "- e # f",
    ]  # fmt: skip


def test_csv_gives_the_values_back_to_the_last_digit(result: Result) -> None:
    heading, *rows = csv.reader(io.StringIO(result.csv()))
    assert tuple(heading) == result.fields
    assert [row[0] for row in rows] == [HOSTILE, "a,b\n"]
    assert [float(row[1]) for row in rows] == [1 / 3, 0.1]
    assert [row[2] for row in rows] == ["", "2e-17"]


def test_html_holds_every_cell_and_escapes_every_name(result: Result) -> None:
    text = result.html()
    page = Page(text)
    assert page.tables == [[list(s.heading), *map(list, s.rows)] for s in result.sheets]
    assert "b" not in page.tags
    assert page.text.count(HOSTILE) == 6
    assert not {"script", "img", "link", "svg"} & set(page.tags)
    assert "default-src 'none'" in text
    assert not re.search(r"https?://|url\(", text)


def test_html_shows_the_drawing_as_it_is() -> None:
    svg = as_svg(draw_figure2([point(HOSTILE, 0), point(HOSTILE, 1)]))
    result = Result("figure2", "t", (), (), (), svg=svg)
    page = Page(result.html())
    assert page.tags.count("svg") == 1
    assert f"{HOSTILE} (2 machines, 3 seeds)" in page.text
    assert "![t](figure2.svg)" in result.markdown()


def test_the_files_bear_the_results_name_and_hold_the_same_bytes_each_time(
    result: Result, tmp_path: Path
) -> None:
    paths = result.write(tmp_path)
    assert [path.name for path in paths] == ["table2.md", "table2.csv", "table2.html"]
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    before = [path.read_bytes() for path in paths]
    result.write(tmp_path)
    assert [path.read_bytes() for path in paths] == before
    assert before[0].decode() == result.markdown()


def test_table_2_has_a_row_a_machine_in_percent(tmp_path: Path) -> None:
    outcomes = [
        make_outcome(machine, method=method, seed=seed, normal=range(4), anomaly=[2.5, 3.5 - seed])
        for machine, method, seed in [
            ("fan/id_00", "bce", 0),
            ("fan/id_00", "bce", 1),
            ("pump/id_00", "bce", 0),
            ("pump/id_00", "bce", 1),
            ("fan/id_00", "dsad", 0),
        ]
    ]
    result = table2_result(table2(outcomes, scale="fixed"), scale="fixed", notes=["N"], peers=True)
    auc, pauc, published = result.sheets
    assert auc.title == "AUC in %, mean ± standard error over seeds 0, 1"
    assert auc.heading == ("machine", "bce", "dsad")
    # 7 of 8 pairs with seed 0, 6 of 8 with seed 1; seed 1 of dsad is missing.
    assert auc.rows == (
        ("fan/id_00", "81.2 ± 6.2", "-"),
        ("pump/id_00", "81.2 ± 6.2", "-"),
        ("machine average", "81.2 ± 6.2", "-"),
    )
    assert [row[0] for row in pauc.rows] == [row[0] for row in auc.rows]
    assert len(published.rows) == len(PEERS)
    assert result.notes == ("Distances are scaled as stored in the bundle (fixed scale).", "N")
    assert result.values[0] == ("bce", "fan/id_00", 0.8125, 0.0625, *result.values[0][4:6], 2)
    for seeds, error in (([0], None), ([0, 1], 0.0625)):
        some = [o for o in outcomes if o.seed in seeds and o.method == "bce"]
        one = table2_result(table2(some, scale="paper"), scale="paper", notes=[], peers=False)
        assert one.values[0][3] == error
        assert len(one.sheets) == 2
    assert (
        "seed 0"
        in table2_result(
            table2(outcomes[:1], scale="paper"), scale="paper", notes=[], peers=False
        ).markdown()
    )


def test_table_1_tells_alphas_and_areas(tmp_path: Path) -> None:
    rows = [
        Row("bce+dsad", "fan", 0.3, 0.91234, 0.85, 0.8, 0.1),
        Row("bce+ddcsad", "press", 1.0, 1.0, 0.5, 0.55, None),
    ]
    result = table1_result(rows, scale="paper", notes=[])
    (sheet,) = result.sheets
    assert sheet.rows == (
        ("bce+dsad", "fan", "0.3", "0.1", "91.2", "85.0", "80.0"),
        ("bce+ddcsad", "press", "1.0", "-", "100.0", "50.0", "55.0"),
    )
    assert result.csv().splitlines() == [
        "method,type,alpha,paper,validation_auc,evaluation_auc,default_auc",
        "bce+dsad,fan,0.3,0.1,0.91234,0.85,0.8",
        "bce+ddcsad,press,1.0,,1.0,0.5,0.55",
    ]


def point(type_: str, anomalies: int, **changes: Any) -> Point:
    way = "encoder" if anomalies else None
    values = Point(type_, "bce", way, anomalies, 0.75, 0.701, 0.799, 0.6, 0.9, 2, 3)
    return dataclasses.replace(values, **changes)


def test_figure_2_has_a_sheet_a_type_and_every_field_in_its_csv() -> None:
    points = [
        point("fan", 0),
        point("fan", 4),
        point("fan", 4, way="head", auc=0.7),
        point("fan", 4, method="dsad"),
        point("pump", 4, seed_low=None, seed_high=None),
    ]
    result = figure2_result(points, "<svg/>", scale="paper", notes=[])
    fan, pump = result.sheets
    assert fan.heading == ("anomalies", "bce by encoder", "bce by head", "dsad by encoder")
    assert fan.rows == (
        ("0", "75.0 (70-80)", "75.0 (70-80)", "-"),
        ("4", "75.0 (70-80)", "70.0 (70-80)", "75.0 (70-80)"),
    )
    assert any(note.startswith("By encoder: it is trained on") for note in result.notes)
    assert pump.title.startswith("pump: AUC in %")
    heading, *rows = csv.reader(io.StringIO(result.csv()))
    assert heading == [field.name for field in dataclasses.fields(Point)]
    assert [row[2] for row in rows] == ["", "encoder", "head", "encoder", "encoder"]
    assert rows[4] == ["pump", "bce", "encoder", "4", "0.75", "0.701", "0.799", "", "", "2", "3"]


def test_conclusions_write_their_files_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    outcomes = [
        make_outcome(
            machine,
            method="bce+dsad",
            normal=[(1, 0.1), (2, 0.2)],
            anomaly=[(0, 0.3), (1.5, 0.15), (2, 0.4)],
            anomalies=count,
            drawn=["anomaly-0"] if count else [],
        )
        for machine in ("fan/id_00", "fan/id_01")
        for count in (0, 1)
    ]

    def all_three(folder: Path) -> dict[str, bytes]:
        clips = make_manifest(("fan/id_00", "train", "normal", 3))
        for experiment in experiments:
            experiment.conclude(folder, outcomes, clips, ["n"], "fixed")
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    experiments = (
        Table1Experiment(SELECTION, (Machine("fan", "id_01"),)),
        Table2Experiment(SELECTION),
        Figure2Experiment(SELECTION, counts=(1,)),
    )
    first = all_three(tmp_path / "a")
    suffixes = {"table1": "md csv html", "table2": "md csv html", "figure2": "md csv html svg png"}
    assert first.keys() == {f"{name}.{s}" for name, of in suffixes.items() for s in of.split()}
    assert first.keys() == {f"{e.name}{suffix}" for e in experiments for suffix in e.suffixes}
    assert all_three(tmp_path / "b") == first


def test_where_nothing_is_complete_there_is_an_error_and_no_file(tmp_path: Path) -> None:
    trained = [make_outcome(normal=[0], anomaly=[1], method="bce+dsad")]
    clips = make_manifest(("fan/id_00", "train", "normal", 3))
    with pytest.raises(DataError, match="no row of table1 is complete"):
        Table1Experiment(SELECTION).conclude(tmp_path, trained, clips, [], "fixed")
    with pytest.raises(DataError, match="no point of figure2 is complete"):
        Figure2Experiment(SELECTION, (1,)).conclude(tmp_path, trained, clips, [], "fixed")
    halves = [
        make_outcome("fan/id_00", normal=[0], anomaly=[1], seed=0),
        make_outcome("fan/id_02", normal=[0], anomaly=[1], seed=1),
    ]
    with pytest.raises(DataError, match="no row of table2 is complete"):
        Table2Experiment(SELECTION).conclude(tmp_path, halves, clips, [], "fixed")
    assert list(tmp_path.iterdir()) == []

"""The page of runs: what it says, that it is safe, bounded and needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest

from html_page import HtmlPage, Table
from made_up_runs import random_outcome
from rattle.experiments.page import machine, write
from rattle.experiments.page.series import measure

METHODS = ("bce+dsad", "ddcsad")


@pytest.fixture(scope="module")
def page(leave, page_of, tmp_path_factory) -> HtmlPage:
    """Two methods of the network and a baseline, two machines, two seeds, one adapted."""
    folder = tmp_path_factory.mktemp("runs")
    for name in ("fan/id_00", "fan/id_02"):
        for seed in (0, 1):
            for method in METHODS:
                outcome = random_outcome(seed, machine=name, method=method)
                leave(folder, outcome, losses=[2.0, 1.0 + seed], dimensions=5)
        leave(folder, random_outcome(0, machine=name, method="knn", network=""))
        for seed in (0, 1):
            adapted = random_outcome(
                seed, machine=name, method="ddcsad", anomalies=1, drawn=("anomaly-3",)
            )
            leave(folder, adapted, losses=[1.0], dimensions=5)
    return page_of(folder)


def table(page: HtmlPage, caption: str) -> Table:
    return next(table for table in page.tables if table.caption.startswith(caption))


def labels(page: HtmlPage) -> list[str]:
    """What the drawings say to those who do not see them."""
    return [a["aria-label"] for tag, a in page.elements if a.get("role") == "img"]


def test_every_run_has_a_row_with_its_figures(page: HtmlPage) -> None:
    runs = table(page, "One row a run")
    assert len(runs.rows) == 1 + 4 * len(METHODS) + 2 + 4
    row = next(row for row in runs.rows[1:] if row[-1].text == "tiny-ddcsad-1/fan_id_02")
    found = measure(random_outcome(1), "fixed")
    low, high = found.interval
    assert [cell.text for cell in row[:-1]] == [
        "ddcsad",
        "fan/id_02",
        "1",
        "0",
        f"{found.auc:.3f}",
        f"{low:.2f} to {high:.2f}",
        f"{found.pauc:.3f}",
        f"{100 * found.counts.miss_rate:.1f}\u00a0% {found.counts.misses}/12",
        f"{100 * found.counts.false_alarm_rate:.1f}\u00a0% {found.counts.false_alarms}/12",
        "2",
        "2",
    ]


def test_sortable_tables_stand_as_their_headings_say(page: HtmlPage) -> None:
    sortable = [t for t in page.tables if t.attributes.get("class", "").startswith("sortable")]
    assert len(sortable) == 3
    sorted_by = []
    for found in sortable:
        for place, head in enumerate(found.rows[0]):
            keys = [row[place].attributes.get("data-v") for row in found.rows[1:]]
            known = [key for key in keys if key is not None]
            if "data-number" in head.attributes:
                known = [float(key) for key in known]
            order = head.attributes.get("aria-sort")
            if order:
                sorted_by.append((head.text, order))
                assert known == sorted(known, reverse=order == "descending")
    assert sorted_by == [("machine average", "descending"), ("machine", "ascending")]


def test_tables_have_captions_and_headings_for_rows_and_columns(page: HtmlPage) -> None:
    for found in page.tables:
        assert found.caption
        assert {cell.attributes.get("scope") for cell in found.rows[0]} == {"col"}
        for row in found.rows[1:]:
            assert (row[0].tag, row[0].attributes["scope"]) == ("th", "row")
            assert len(row) == len(found.rows[0])


def test_each_machine_has_its_curves_scores_and_embeddings(page: HtmlPage) -> None:
    said = labels(page)
    for method in (*METHODS, "knn"):
        assert sum(f"{method}, seed 0: histogram of the scores" in label for label in said) == 2
    assert sum(label.startswith("ROC curves") for label in said) == 4
    assert sum("loss over iterations, 2 seeds" in label for label in said) == 4 + 2
    assert sum("embeddings, seed 0 (PCA" in label for label in said) == 4 + 2
    # A baseline has neither losses nor embeddings, and the page says so.
    assert page.said.count("no losses logged") == page.said.count("no embeddings") == 2
    assert len(page.all("details")) == 1 + 2


def test_adapted_models_are_apart_and_their_drawn_anomalies_left_out(page: HtmlPage) -> None:
    assert page.said.count("Adapted with anomalies") == 2
    assert "ddcsad, 1 anomaly by encoder" in page.said
    assert "scores of 12 normals, 11 anomalies" in " ".join(labels(page))
    figure = table(page, "fan: AUC in %")
    assert [cell.text for cell in figure.rows[0]] == ["method", "0", "1"]
    plain = table(page, "AUC, mean over seeds")
    assert "knn" in [cell.text for cell in plain.column("model")]


def test_head_and_encoder_stand_side_by_side(leave, page_of, tmp_path: Path) -> None:
    leave(tmp_path, random_outcome(method="bce"))
    for way in ("encoder", "head"):
        for count in (1, 4):
            adapted = random_outcome(method="bce", anomalies=count, way=way, drawn=("anomaly-3",))
            leave(tmp_path, adapted, losses=[1.0] if way == "encoder" else ())
    page = page_of(tmp_path)
    figure = table(page, "fan: AUC in %")
    assert [cell.text for cell in figure.column("method")] == ["bce by encoder", "bce by head"]
    assert [row[1].text for row in figure.rows[1:]] == [figure.rows[1][1].text] * 2
    assert sorted(cell.text for cell in table(page, "One row a run").column("anomalies")) == [
        "0",
        "1 by encoder",
        "1 by head",
        "4 by encoder",
        "4 by head",
    ]
    assert "bce, 4 anomalies by head" in page.said
    assert "bce, 4 anomalies by encoder" in page.said
    assert "only the latter is in means" not in page.said


def test_every_element_is_closed_and_every_link_has_its_place(page: HtmlPage) -> None:
    assert page.open == []
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for link in page.all("a"):
        assert link["href"].removeprefix("#") in ids
    for used in re.findall(r"(?:href=\"#|url\(#)([^\")]+)", page.source):
        assert used in ids


def test_the_page_asks_the_network_for_nothing_and_runs_one_script(page: HtmlPage) -> None:
    assert "http:" not in page.source
    assert "https:" not in page.source
    assert re.findall(r"url\((?!#)|@import", page.source) == []
    assert not any(name.startswith("on") for _, a in page.elements for name in a)
    (script,) = re.findall(r"<script>(.*?)</script>", page.source, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = (a["content"] for a in page.all("meta") if a.get("http-equiv"))
    assert policy.startswith("default-src 'none';")
    assert policy.endswith(f"script-src 'sha256-{digest}'")


def test_drawings_follow_the_theme(page: HtmlPage) -> None:
    styles = " ".join(a.get("style") or "" for _, a in page.elements)
    assert {"var(--anomaly)", "var(--normal)", "var(--ddcsad)"} <= set(
        re.findall(r"var\(--[\w-]+\)", styles)
    )
    # A stand-in or a colour of matplotlib's would be seen on one of the two pages only.
    assert set(re.findall(r"#[0-9a-f]{6}", styles)) == set()
    declared = set(re.findall(r"(--[\w-]+):", page.source))
    assert set(re.findall(r"var\((--[\w-]+)\)", page.source)) <= declared


def test_the_same_runs_give_the_same_bytes(leave, page_of, tmp_path: Path) -> None:
    leave(tmp_path, random_outcome(), losses=[2.0, 1.0], dimensions=3)
    leave(tmp_path, random_outcome(anomalies=2, drawn=("anomaly-0",)))
    assert page_of(tmp_path).source == page_of(tmp_path).source


def test_names_of_others_stay_text(leave, page_of, tmp_path: Path) -> None:
    hostile = "<b>&fan$\\frac{$<script>alert(1)<|script>扇"
    for changes in ({}, {"anomalies": 1, "drawn": ("anomaly-0",)}):
        outcome = random_outcome(machine=hostile, recipe="<u>'\"", **changes)
        leave(tmp_path, outcome, losses=[1.0], dimensions=3)
    (tmp_path / "<u>-ddcsad-0").mkdir()
    page = page_of(tmp_path)
    assert len(page.all("script")) == 1
    assert page.all("u") == []
    assert hostile in page.said
    # As the title of figure 2's panel.
    assert f"{hostile} (1 machine, 1 seed)" in page.said
    assert page.open == []


def test_damaged_files_are_named_on_the_page(leave, page_of, tmp_path: Path) -> None:
    whole = leave(tmp_path, random_outcome(0))
    damaged = leave(tmp_path, random_outcome(1), losses=[1.0])
    (damaged / "outcome.json").write_text("{}")
    page = page_of(tmp_path)
    assert "1 file could not be used" in page.said
    assert str(damaged / "outcome.json") in page.said
    assert str(whole) not in page.said
    # It is left as a run without a model.
    assert "Not finished, so without a model: tiny-ddcsad-1/fan_id_00." in page.said


def test_clips_of_one_label_give_scores_and_no_auc(leave, page_of, tmp_path: Path) -> None:
    outcome = random_outcome()
    normals = [clip for clip in outcome.clips if clip.label == "normal"]
    leave(tmp_path, outcome.model_copy(update={"clips": tuple(normals)}))
    page = page_of(tmp_path)
    assert "No AUC, for lack of labelled test clips of both classes" in page.said
    assert "No ROC curve" in page.said
    assert any("12 normals, 0 anomalies" in label for label in labels(page))
    assert not any(t.caption.startswith("pAUC") for t in page.tables)


def test_the_papers_scale_is_said_and_has_no_threshold(leave, page_of, tmp_path: Path) -> None:
    leave(tmp_path, random_outcome())
    fixed, paper = page_of(tmp_path), page_of(tmp_path, scale="paper")
    assert "threshold dashed" in fixed.said
    assert "threshold dashed" not in paper.said
    assert "as in the paper; misses and false alarms are those of the fixed scale" in paper.said


def test_two_recipes_are_told_apart(leave, page_of, tmp_path: Path) -> None:
    for recipe in ("paper", "small"):
        leave(tmp_path, random_outcome(recipe=recipe))
    page = page_of(tmp_path)
    assert "by 2 recipes (paper, small)" in page.said
    assert [c.text for c in table(page, "AUC").column("model")] == [
        "ddcsad, paper",
        "ddcsad, small",
    ]
    lines = re.findall(r"<path d=\"M0 4H36\"[^>]*>", page.source)
    assert len(set(lines)) == 2


def test_a_page_of_many_runs_draws_so_many_and_says_what_it_leaves_out(
    leave, page_of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "DRAWN", 2)
    monkeypatch.setattr(write, "MOST_STRIPS", 4)
    for name in ("fan/id_00", "fan/id_02"):
        for shift, method in ((0.2, "bce+dsad"), (1.0, "ddcsad"), (3.0, "dsad")):
            leave(tmp_path, random_outcome(shift=shift, machine=name, method=method))
    page = page_of(tmp_path)
    assert "Only the 2 with the largest AUC are drawn; not drawn: bce+dsad." in page.said
    assert "1 machine at the end have no plots: fan/id_02" in page.said
    assert sum("histogram" in label for label in labels(page)) == 2
    assert len(table(page, "One row a run").rows) == 1 + 6

"""The report page: what it says, that it is safe and that it needs nothing but itself."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from made_up_explanation import explanation, line
from rattle import Machine, Threshold
from rattle.evaluation.evaluate import evaluate
from rattle.evaluation.report import Why, write_report
from rattle.runtime.picture import picture_of
from rattle.runtime.rehearsal import NOTICE, LaidOver, Rehearsal

VOID = {"meta", "img"}
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>.wav'


class Page(HTMLParser):
    """Elements with their attributes, visible text, and whether every element was closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def log_mel(path: str) -> np.ndarray:
    return np.random.default_rng(len(path)).normal(-40, 10, size=(313, 128)).astype(np.float32)


@pytest.fixture(scope="module")
def scored(make_scored) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    ranked = make_scored(
        "fan/id_00", normal=rng.normal(0.3, 0.1, 40), anomaly=rng.normal(0.6, 0.2, 30)
    )
    return pl.concat(
        [
            ranked,
            make_scored("press-3", normal=[0.1, 0.2, 0.7]),
            make_scored("pump/id_01", unknown=[0.1, 0.2, 0.8, 0.9, 0.3]),
        ]
    )


def write(scored: pl.DataFrame, path: Path, **changes: object) -> str:
    options = {"facts": {"recipe": "small"}, "log_mel": log_mel, "notes": []} | changes
    write_report(evaluate(scored), scored, path, **options)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def text(scored, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    return write(scored, path, notes=["Not the official split."])


def test_the_page_says_the_figures_the_facts_and_the_reasons(scored, text: str) -> None:
    said = re.sub(r"\s+", " ", " ".join(Page(text).text))
    ranking = evaluate(scored).machines[0].ranking
    assert f"AUC {ranking.auc:.3f} ({ranking.interval[0]:.2f} to" in said
    assert f"pAUC {ranking.pauc:.3f}" in said
    for sentence in (
        "recipe small",
        "Not the official split.",
        "Not ranked: no labelled anomaly.",
        "Not ranked: no labelled clip.",
        "1 of 3 normal clips gave a false alarm (33.3 %).",
        "5 clips have no label.",
    ):
        assert sentence in said


def test_every_element_is_closed_and_every_link_has_its_place(text: str) -> None:
    page = Page(text)
    assert page.open == []
    ids = [attrs["id"] for tag, attrs in page.elements if tag == "section"]
    links = [attrs["href"] for tag, attrs in page.elements if tag == "a"]
    assert [f"#{id_}" for id_ in ids] == links
    assert len(ids) == 3


def test_the_page_asks_the_network_for_nothing(text: str) -> None:
    assert "http:" not in text
    assert "https:" not in text
    page = Page(text)
    for _, attrs in page.elements:
        for name in ("src", "href", "xlink:href"):
            assert attrs.get(name, "#").startswith(("#", "data:image/png;base64,"))
    assert re.findall(r"url\((?!#)|@import", text) == []
    (policy,) = (a["content"] for _, a in page.elements if a.get("http-equiv"))
    assert policy.startswith("default-src 'none';")
    assert "script" not in {tag for tag, _ in page.elements}


def test_hostile_names_stay_text(make_scored, tmp_path: Path) -> None:
    scored = make_scored("<b>fan/<i>", normal=[0.1], anomaly=[0.9]).with_columns(
        path=pl.lit("/data/" + HOSTILE)
    )
    text = write(scored, tmp_path / "report.html", facts={"<u>data": "<u>here"}, notes=["<u>note"])
    page = Page(text)
    assert {tag for tag, _ in page.elements}.isdisjoint({"script", "u"})
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)
    said = "".join(page.text)
    # The path's last part is what follows its last slash, here inside "</script>".
    assert HOSTILE.rpartition("/")[2] in said
    assert "<b>fan/<i>" in said


def test_clips_are_drawn_where_log_mels_are_given_and_listed_where_not(
    make_scored, tmp_path: Path
) -> None:
    scored = make_scored(normal=np.linspace(0, 0.6, 20), anomaly=np.linspace(0.4, 0.9, 20))
    drawn = Page(write(scored, tmp_path / "drawn.html"))
    listed = Page(write(scored, tmp_path / "listed.html", log_mel=None))
    assert sum(tag == "img" for tag, _ in drawn.elements) == 8
    assert sum(tag == "img" for tag, _ in listed.elements) == 0
    for page in (drawn, listed):
        said = "".join(page.text)
        # Worst false alarm, worst miss, most and least anomalous.
        for name in ("normal_0019.wav", "anomaly_0020.wav", "anomaly_0039.wav", "normal_0000.wav"):
            assert name in said


def test_the_page_of_twelve_machines_stays_below_three_megabytes(
    make_scored, tmp_path: Path
) -> None:
    rng = np.random.default_rng(1)
    machines = [
        make_scored(f"fan/id_{number:02d}", normal=rng.random(200), anomaly=rng.random(200) + 0.3)
        for number in range(12)
    ]
    # White noise is the worst a PNG can be asked to hold.
    assert len(write(pl.concat(machines), tmp_path / "report.html")) < 3_000_000


def test_plots_share_no_style_sheet_or_group_id_with_the_page(text: str) -> None:
    page = Page(text)
    assert sum(tag == "style" for tag, _ in page.elements) == 1
    assert not any(tag == "g" and "id" in attrs for tag, attrs in page.elements)
    colours = "".join(attrs.get("style") or "" for _, attrs in page.elements)
    assert "var(--anomaly)" in colours
    assert "#0404" not in colours


# Why the highest alarm is one


def why(path: str) -> Why:
    """What is said of a clip, by its own name."""
    name = Path(path).name
    picture = picture_of(explanation([line(3000)]), 4, title=name, is_inline=True)
    return Why(name, [f"a line in {name}"], [f"Most like the healthy clip {name}."], picture)


def test_the_highest_alarm_of_a_machine_is_explained_and_of_no_alarm_nothing(
    make_scored, tmp_path: Path
) -> None:
    asked: list[str] = []

    def watched(path: str) -> Why:
        asked.append(path)
        return why(path)

    loud = make_scored("fan/id_00", normal=[0.1, 0.6], anomaly=[0.3, 0.9, 0.7])
    unlabelled = make_scored("pump/id_01", unknown=[0.1, 0.8])
    quiet = make_scored("valve/id_02", normal=[0.1, 0.5], anomaly=[0.4])
    scored = pl.concat([loud, unlabelled, quiet])
    text = write(scored, tmp_path / "report.html", why=watched)
    assert sorted(asked) == [
        "/data/fan/id_00/anomaly_0003.wav",
        "/data/pump/id_01/unknown_0001.wav",
    ]
    page = Page(text)
    assert page.open == []
    said = re.sub(r"\s+", " ", "".join(page.text))
    for name in ("anomaly_0003.wav", "unknown_0001.wav"):
        assert f"Why {name} is the highest alarm" in said
        assert f"a line in {name}" in said
        assert f"Most like the healthy clip {name}." in said
    assert said.count("is the highest alarm") == 2
    pictures = [a for tag, a in page.elements if tag == "svg" and a.get("class") == "explained"]
    assert [attrs["aria-label"] for attrs in pictures] == ["anomaly_0003.wav", "unknown_0001.wav"]
    # A picture takes the page's colours, and asks for nothing.
    assert sum(tag == "style" for tag, _ in page.elements) == 1
    assert "is the highest alarm" not in write(scored, tmp_path / "without.html")


def test_where_nothing_stands_out_it_is_said(make_scored, tmp_path: Path) -> None:
    text = write(
        make_scored(normal=[0.1], anomaly=[0.9]),
        tmp_path / "report.html",
        why=lambda path: Why(path, [], [], ""),
    )
    assert "Nothing that a person could name stands out" in "".join(Page(text).text)


def test_hostile_names_stay_text_where_an_alarm_is_explained(make_scored, tmp_path: Path) -> None:
    hostile = HOSTILE.replace("/", "")
    scored = make_scored(normal=[0.1], anomaly=[0.9]).with_columns(path=pl.lit("/d/" + hostile))
    page = Page(write(scored, tmp_path / "report.html", why=why))
    assert page.open == []
    assert "script" not in {tag for tag, _ in page.elements}
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)
    images = [attrs["src"] for tag, attrs in page.elements if tag == "img"]
    assert all(source.startswith("data:") for source in images)
    said = "".join(page.text)
    for sentence in (f"a line in {hostile}", f"Most like the healthy clip {hostile}."):
        assert sentence in said
    labels = [a["aria-label"] for tag, a in page.elements if a.get("class") == "explained"]
    assert labels == [hostile]


# A rehearsal


def test_a_rehearsal_is_shown_with_its_machine_and_called_synthetic(
    make_scored, tmp_path: Path
) -> None:
    present, stricter = Threshold(0.5, 0.05, 0.0, 0.3, 12), Threshold(0.9, 0.2, 0.0, 0.3, 12)
    rehearsal = Rehearsal(
        present,
        (present, stricter),
        (0.1, 0.2, 0.3, 0.6),
        (LaidOver("hum", -10.0, (0.2, 0.3, 0.4, 0.6)), LaidOver("hum", 0.0, (0.7, 0.7, 0.8, 1.0))),
    )
    scored = pl.concat([make_scored("fan/id_00", normal=[0.1]), make_scored("pump", normal=[0.2])])
    text = write(scored, tmp_path / "report.html", rehearsals={Machine("fan", "id_00"): rehearsal})
    page = Page(text)
    assert page.open == []
    said = re.sub(r"\s+", " ", " ".join(page.text))
    assert said.count(NOTICE) == 1
    assert said.index("fan/id_00", said.index("How to read")) < said.index(NOTICE)
    assert said.index(NOTICE) < said.rindex("pump")
    for sentence in (
        "hum 25 100",
        "all 25 100",
        "hum: half are found from -7 dB on",
        "Without a fault 1 of 4 healthy clips is above the threshold.",
        "5.0\u00a0% * 0.500 62.5\u00a0%",
        "20.0\u00a0% 0.900 12.5\u00a0%",
        "* 12 healthy clips cannot show a false-alarm rate of 5 %",
    ):
        assert re.sub(r"\s+", " ", sentence) in said

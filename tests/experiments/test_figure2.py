"""Figure 2: the same clips for every number of anomalies, and honest intervals."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from made_up_outcomes import make_outcome
from rattle.evaluation.metrics import auc, hanley_mcneil
from rattle.experiments.figure2 import WAYS, Point, figure2, lines
from rattle.experiments.figure2_plot import as_png, as_svg, draw_figure2
from rattle.runs.outcome import Outcome

DRAWN = ("anomaly-0", "anomaly-1", "anomaly-2", "anomaly-3")


@pytest.fixture
def make_series() -> Any:
    """A machine's model without anomalies and those adapted with 1, 2 and 4 of 4 drawn."""

    def make(machine: str = "fan/id_00", **changes: Any) -> list[Outcome]:
        rng = np.random.default_rng([changes.get("seed", 0), *machine.encode()])
        return [
            make_outcome(
                machine,
                normal=rng.normal(0, 1, 30),
                anomaly=rng.normal(0.5 + 0.2 * count, 1, 18),
                anomalies=count,
                drawn=DRAWN if count else (),
                **changes,
            )
            for count in (0, 1, 2, 4)
        ]

    return make


def split(outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
    """Scores of normals and of the anomalies that were not drawn."""
    normal = [clip.distances[0] for clip in outcome.clips if clip.label == "normal"]
    anomaly = [
        clip.distances[0]
        for clip in outcome.clips
        if clip.label == "anomaly" and clip.content_hash not in DRAWN
    ]
    return np.array(normal), np.array(anomaly)


def test_every_count_and_the_zero_point_are_tested_on_the_clips_that_were_not_drawn() -> None:
    # The drawn ones would lower every AUC if they were tested.
    outcomes = [
        make_outcome(
            normal=[0.1, 0.2],
            anomaly=[0, 0, *rest],
            anomalies=count,
            drawn=DRAWN[:2] if count else (),
        )
        for count, rest in ((0, [0.15, 0.05]), (1, [0.15, 0.3]), (2, [0.3, 0.4]))
    ]
    points = figure2(outcomes, scale="fixed")
    assert [(point.anomalies, point.auc) for point in points] == [(0, 0.25), (1, 0.75), (2, 1.0)]


def test_for_one_machine_and_seed_the_bars_are_hanley_and_mcneils(make_series: Any) -> None:
    outcomes = make_series()
    points = figure2(outcomes, scale="fixed")
    assert len(points) == 4
    for point, outcome in zip(points, outcomes, strict=True):
        normal, anomaly = split(outcome)
        assert anomaly.size == 14
        assert point.auc == auc(normal, anomaly)
        interval = hanley_mcneil(point.auc, normal.size, anomaly.size)
        assert (point.low, point.high) == pytest.approx(interval, abs=1e-12)
        assert (point.seed_low, point.seed_high) == (None, None)
        assert (point.machines, point.seeds) == (1, 1)


def test_of_several_machines_the_errors_of_independent_means_add_up(make_series: Any) -> None:
    one = {
        m: figure2(make_series(m), scale="fixed") for m in ("fan/id_00", "fan/id_02", "fan/id_04")
    }
    every = figure2([o for m in one for o in make_series(m)], scale="fixed")
    for place, point in enumerate(every):
        alone = [points[place] for points in one.values()]
        assert point.auc == pytest.approx(np.mean([p.auc for p in alone]))
        reach = math.sqrt(sum((p.auc - p.low) ** 2 for p in alone)) / 3
        assert point.auc - point.low == pytest.approx(reach, rel=1e-9)
        assert point.machines == 3


def test_more_seeds_do_not_narrow_the_bars_and_give_students_interval(make_series: Any) -> None:
    seeds = range(12)
    alone = [figure2(make_series(seed=seed), scale="fixed") for seed in seeds]
    every = figure2([o for seed in seeds for o in make_series(seed=seed)], scale="fixed")
    for place, point in enumerate(every):
        areas = [points[place].auc for points in alone]
        expected = stats.t.interval(0.95, len(areas) - 1, np.mean(areas), stats.sem(areas))
        assert (point.seed_low, point.seed_high) == pytest.approx(expected, rel=1e-9)
        reaches = [points[place].auc - points[place].low for points in alone]
        assert point.auc - point.low == pytest.approx(np.mean(reaches))
        assert point.seeds == 12


def test_a_type_is_the_mean_over_machines_seed_by_seed(make_series: Any) -> None:
    pairs = list(itertools.product(("fan/id_00", "fan/id_02"), (0, 1, 2)))
    series = {(m, s): make_series(m, seed=s) for m, s in pairs}
    points = figure2([o for some in series.values() for o in some], scale="fixed")
    for place, point in enumerate(points):
        areas = {pair: auc(*split(some[place])) for pair, some in series.items()}
        by_seed = [np.mean([areas[m, s] for m in ("fan/id_00", "fan/id_02")]) for s in (0, 1, 2)]
        assert point.auc == pytest.approx(np.mean(by_seed))
        assert point.seed_high - point.auc == pytest.approx(
            stats.t.ppf(0.975, 2) * stats.sem(by_seed)
        )


@pytest.mark.parametrize("gone", [("fan/id_02", 0, 2), ("fan/id_00", 1, 0)])
def test_a_point_that_lacks_a_machine_or_seed_is_left_out(
    make_series: Any, gone: tuple[str, int, int]
) -> None:
    pairs = itertools.product(("fan/id_00", "fan/id_02"), (0, 1))
    outcomes = [o for m, s in pairs for o in make_series(m, seed=s)]
    left = [o for o in outcomes if (o.machine, o.seed, o.anomalies) != gone]
    whole, points = figure2(outcomes, scale="fixed"), figure2(left, scale="fixed")
    assert points == [point for point in whole if point.anomalies != gone[2]]


def test_draws_that_differ_are_all_left_out_of_every_test() -> None:
    outcomes = [
        make_outcome(normal=[1, 2], anomaly=[0, 0, 3], anomalies=count, drawn=drawn)
        for count, drawn in ((0, ()), (1, ["anomaly-0"]), (2, ["anomaly-1", "anomaly-0"]))
    ]
    assert [point.auc for point in figure2(outcomes, scale="fixed")] == [1.0, 1.0, 1.0]


def test_a_model_that_was_never_adapted_is_no_point(make_series: Any) -> None:
    alone = make_outcome("pump/id_00", normal=[0], anomaly=[1])
    other = make_outcome("fan/id_00", method="bce", normal=[0], anomaly=[1])
    assert figure2([alone, other, *make_series()], scale="fixed") == figure2(
        make_series(), scale="fixed"
    )
    assert figure2([alone], scale="fixed") == []


def test_points_go_by_type_then_method_as_the_paper_has_them_then_number(make_series: Any) -> None:
    outcomes = [
        o
        for machine in ("pump/id_00", "fan/id_00")
        for method in ("bce+ddcsad", "bce", "dsad")
        for o in make_series(machine, method=method)
    ]
    keys = [(p.type, p.method, p.anomalies) for p in figure2(reversed(outcomes), scale="paper")]
    methods = ("bce", "dsad", "bce+ddcsad")
    assert keys == list(itertools.product(("fan", "pump"), methods, (0, 1, 2, 4)))


def test_head_and_encoder_start_at_the_same_model_and_are_lines_of_their_own() -> None:
    def of(method: str, way: str, *areas: tuple[int, float]) -> list[Outcome]:
        return [
            make_outcome(
                method=method,
                way=way,
                normal=[0.0, 1.0],
                anomaly=[9.0, *([2.0] if area == 1.0 else [0.5])],
                anomalies=count,
                drawn=("anomaly-0",) if count else (),
            )
            for count, area in areas
        ]

    start, *by_encoder = of("bce", "encoder", (0, 0.5), (1, 0.5), (4, 1.0))
    every = [start, *by_encoder, *of("bce", "head", (1, 1.0)), *of("dsad", "encoder", (0, 0.5))]
    every += of("dsad", "encoder", (4, 1.0))
    points = figure2(every, scale="fixed")
    assert [(p.method, p.way, p.anomalies, p.auc) for p in points] == [
        ("bce", None, 0, 0.5),
        ("bce", "encoder", 1, 0.5),
        ("bce", "encoder", 4, 1.0),
        ("bce", "head", 1, 1.0),
        ("dsad", None, 0, 0.5),
        ("dsad", "encoder", 4, 1.0),
    ]
    drawn = {line.name: [(p.anomalies, p.auc) for p in line.points] for line in lines(points)}
    assert drawn == {
        "bce by encoder": [(0, 0.5), (1, 0.5), (4, 1.0)],
        "bce by head": [(0, 0.5), (1, 1.0)],
        "dsad by encoder": [(0, 0.5), (4, 1.0)],
    }


def test_heads_that_lack_a_machine_take_no_point_from_encoders(make_series: Any) -> None:
    whole = [o for m in ("fan/id_00", "fan/id_02") for o in make_series(m)]
    heads = [o.model_copy(update={"way": "head"}) for o in make_series("fan/id_00") if o.anomalies]
    assert figure2([*whole, *heads], scale="fixed") == figure2(whole, scale="fixed")


def test_a_line_that_was_never_adapted_is_named_by_its_method_alone() -> None:
    (line,) = lines([point("fan", "bce", 0, 0.5)])
    assert (line.name, len(line.points)) == ("bce", 1)


def point(type_: str, method: Any, anomalies: int, area: float, way: Any = "encoder") -> Point:
    way = way if anomalies else None
    return Point(type_, method, way, anomalies, area, area - 0.1, area + 0.1, None, None, 2, 1)


def test_the_same_points_give_the_same_bytes() -> None:
    points = [point("fan", "bce", n, 0.5 + n / 10) for n in (0, 1, 2)]
    svg, again = (as_svg(draw_figure2(points)) for _ in range(2))
    assert svg == again
    assert as_png(draw_figure2(points)) == as_png(draw_figure2(points))
    other = [*points[:2], point("fan", "bce", 2, 0.71)]
    assert as_svg(draw_figure2(other)) != svg


def test_a_panel_a_type_a_line_a_method_and_bars_where_the_intervals_are() -> None:
    points = [
        point(type_, method, n, 0.6 + n / 20)
        for type_ in ("fan", "pump", "slider", "valve")
        for method in ("bce", "bce+ddcsad")
        for n in (0, 1, 4)
    ]
    figure = draw_figure2(points)
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title().split()[0] for axes in panels] == ["fan", "pump", "slider", "valve"]
    for axes in panels:
        assert [text.get_text() for text in axes.get_xticklabels()] == ["0", "1", "4"]
        lines = [container.lines for container in axes.containers]
        assert [container.get_label() for container in axes.containers] == [
            "bce by encoder",
            "bce+ddcsad by encoder",
        ]
        for data, _, (bars,) in lines:
            assert data.get_ydata() == pytest.approx([60, 65, 80])
            ends = [segment[:, 1] for segment in bars.get_segments()]
            assert np.array(ends) == pytest.approx(np.array([[50, 70], [55, 75], [70, 90]]))


def test_the_legend_names_every_method_once_wherever_it_is_drawn() -> None:
    figure = draw_figure2(
        [
            point("fan", "dsad", 0, 0.5),
            point("fan", "dsad", 1, 0.5),
            point("pump", "dsad", 1, 0.6),
            point("pump", "bce", 1, 0.7),
            point("pump", "bce", 1, 0.7, "head"),
        ]
    )
    (legend,) = figure.legends
    named = ["bce by encoder", "bce by head", "dsad by encoder"]
    assert [text.get_text() for text in legend.get_texts()] == named


def test_a_heads_line_has_its_methods_colour_and_is_hollow_and_thinner() -> None:
    figure = draw_figure2(
        [point("fan", "bce", 0, 0.5), *(point("fan", "bce", 1, 0.6, w) for w in WAYS[1:])]
    )
    encoder, head = (container.lines[0] for container in figure.axes[0].containers)
    assert head.get_color() == encoder.get_color() == encoder.get_markerfacecolor()
    assert head.get_markerfacecolor() == "none"
    assert head.get_linewidth() < encoder.get_linewidth()


@pytest.mark.parametrize("name", ["<fan> & co", "a$b$c", "$\\frac$"])
def test_a_machine_types_name_is_written_as_it_is(name: str) -> None:
    svg = as_svg(draw_figure2([point(name, "bce", 0, 0.5), point(name, "bce", 1, 0.6)]))
    escaped = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert f"{escaped} (2 machines, 1 seed)" in svg

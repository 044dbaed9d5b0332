"""The picture of a long recording: well formed, safe, everything at its time and height."""

from __future__ import annotations

import numpy as np
import pytest

from rattle.pages.timeline import LEFT, RIGHT, TOP, WIDTH, Point, Span, Step, draw_timeline
from svg_picture import SVG, Element, svg_picture

HOSTILE = '"><script>alert(1)</script>&\x07.wav'


def drawn(
    seconds: float = 400.0,
    scores: list[float | None] | None = None,
    alarm: float = 5.0,
    incidents: tuple[Span, ...] = (),
    title: str = "shift.wav",
) -> Element:
    values = [0.0, 10.0] * 200 if scores is None else scores
    points = [
        Point(seconds * (place + 0.5) / len(values), score) for place, score in enumerate(values)
    ]
    steps = [Step(0.0, alarm)]
    unscored = [Span(100.0, 110.0)]
    return svg_picture(
        draw_timeline(
            title,
            seconds,
            points,
            steps,
            [Step(0.0, None)],
            incidents,
            unscored,
            alarm_name="alarm",
        )
    )


def at_s(x: float, seconds: float = 400.0) -> float:
    return (x - LEFT) / (WIDTH - LEFT - RIGHT) * seconds


def lines(picture: Element) -> list[list[tuple[float, float]]]:
    return [
        [tuple(map(float, pair.split(","))) for pair in line.get("points", "").split()]  # type: ignore[misc]
        for line in picture.iter(f"{SVG}polyline")
    ]


def test_an_incident_is_shaded_at_its_time_and_has_its_number() -> None:
    picture = drawn(incidents=(Span(300, 320, 1), Span(350, 350, 2)))
    groups = [g for g in picture.iter(f"{SVG}g") if g.get("class") == "incident"]
    boxes = [group.find(f"{SVG}rect") for group in groups]
    ends = [
        (float(box.get("x", "")), float(box.get("x", "")) + float(box.get("width", "")))
        for box in boxes
        if box is not None
    ]
    assert at_s(ends[0][0]) == pytest.approx(300, abs=0.5)
    assert at_s(ends[0][1]) == pytest.approx(320, abs=0.5)
    assert ends[1][1] - ends[1][0] >= 2  # one of a single window can be seen
    assert [group.findtext(f"{SVG}text") for group in groups] == ["1", "2"]


def test_numbers_that_would_touch_are_left_out() -> None:
    picture = drawn(incidents=tuple(Span(300 + n, 300 + n, n + 1) for n in range(40)))
    groups = [g for g in picture.iter(f"{SVG}g") if g.get("class") == "incident"]
    texts = [group.findtext(f"{SVG}text") for group in groups]
    assert len(groups) == 40
    assert 1 < sum(text is not None for text in texts) < 10


def test_windows_that_were_not_scored_leave_a_gap() -> None:
    scores: list[float | None] = [1.0] * 100 + [None] * 50 + [2.0] * 250
    first, second = lines(drawn(scores=scores))
    assert at_s(first[-1][0]) == pytest.approx(100, abs=1)
    assert at_s(second[0][0]) == pytest.approx(150, abs=1)


def test_a_day_keeps_its_highest_window_and_is_no_larger_than_an_hour() -> None:
    scores: list[float | None] = np.random.default_rng(0).normal(size=86_400).tolist()
    scores[50_000] = 40.0
    (line,) = lines(drawn(86_400.0, scores))
    assert len(line) <= 2 * 10 * WIDTH
    top = min(line, key=lambda at: at[1])
    assert at_s(top[0], 86_400.0) == pytest.approx(50_000, abs=60)
    assert top[1] == pytest.approx(TOP, abs=1)


def test_a_threshold_far_above_does_not_flatten_the_scores() -> None:
    picture = drawn(alarm=500.0)
    path = next(p for p in picture.iter(f"{SVG}path") if p.get("class") == "alarm")
    assert not path.get("d")
    text = "".join(picture.itertext())
    assert "above the picture: 500 or more" in text
    (line,) = lines(picture)
    assert min(y for _, y in line) == pytest.approx(TOP, abs=1)


@pytest.mark.parametrize("scores", [[0.5] * 400, [None] * 400, [0.0]])
def test_scores_that_are_alike_or_none_can_be_drawn(scores: list[float | None]) -> None:
    assert drawn(scores=scores).get("viewBox")


def test_a_name_cannot_write_into_the_picture() -> None:
    picture = drawn(title=HOSTILE)
    assert not list(picture.iter(f"{SVG}script"))
    assert picture.get("aria-label") == HOSTILE.replace("\x07", "?")

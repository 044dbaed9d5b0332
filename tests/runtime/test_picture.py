"""The picture of an explanation: well formed, safe, and marked by the numbers of the list."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from made_up_explanation import HIGH, LOW, explanation, line, spectrum
from rattle.diagnosis.difference import Difference
from rattle.diagnosis.reference import Reference
from rattle.diagnosis.seen import seen_spectrum
from rattle.pages.explained import LEFT, RIGHT, WIDTH
from rattle.runtime.explanation import Explanation, Reaction
from rattle.runtime.picture import picture_of
from svg_picture import SVG, Element, svg_picture

HOSTILE = '"><script>alert(1)</script>&.wav'
LEVEL = Difference("level", 9.0, 0.0, 8000.0, 12.0, 8.0, 0)
PULSE = Difference(
    "pulse", 8.0, 3000.0, 5000.0, 9.0, 3.0, 0, centre_hz=74.0, lines_hz=(74.0, 148.0)
)
BAND = Difference("band", 7.0, 1000.0, 2000.0, 6.0, 3.0, 0)


def drawn(told: Explanation, most: int = 5, *, is_inline: bool = False) -> Element:
    return svg_picture(picture_of(told, most, title="clip.wav", is_inline=is_inline))


def at_hz(x: float, told: Explanation) -> float:
    """The frequency that a place on the picture stands for."""
    low, high = told.spectrum.hz[[0, -1]]
    return float(low * (high / low) ** ((x - LEFT) / (WIDTH - LEFT - RIGHT)))


def brackets(told: Explanation, most: int = 5) -> dict[str, tuple[float, float]]:
    """The marks' numbers, and the frequencies that they reach over."""
    found = {}
    for group in drawn(told, most).iter(f"{SVG}g"):
        texts = group.findall(f"{SVG}text")
        if len(texts) == 1 and texts[0].get("font-weight"):
            path = group.findall(f"{SVG}path")[0].get("d", "")
            left, right = path.removeprefix("M").replace("H", " ").split()[::2]
            found[texts[0].text or ""] = (at_hz(float(left), told), at_hz(float(right), told))
    return found


def bars(told: Explanation) -> list[tuple[float, float, float]]:
    """The lowest and highest frequency and the height of each bar."""
    return [
        (
            at_hz(float(rect.get("x", "")), told),
            at_hz(float(rect.get("x", "")) + float(rect.get("width", "")), told),
            float(rect.get("height", "")),
        )
        for rect in drawn(told).iter(f"{SVG}rect")
    ]


# Marks


def test_marks_carry_the_numbers_of_the_list_and_stand_where_things_are() -> None:
    marks = brackets(explanation([line(3000), BAND, line(90)]))
    assert list(marks) == ["1", "2", "3"]
    assert marks["1"] == pytest.approx((3000, 3000), rel=0.01)
    assert marks["2"] == pytest.approx((1000, 2000), rel=0.01)
    assert marks["3"] == pytest.approx((90, 90), rel=0.01)


def test_a_pulse_is_marked_at_its_channel_and_not_at_its_rate() -> None:
    assert brackets(explanation([PULSE])) == {"1": pytest.approx((3000, 5000), rel=0.01)}


def test_harmonics_are_marked_from_the_lowest_to_the_highest() -> None:
    told = explanation([replace(line(200), lines_hz=(100.0, 200.0, 400.0))])
    assert brackets(told) == {"1": pytest.approx((100, 400), rel=0.01)}


def test_a_level_is_nowhere_and_what_follows_keeps_its_number() -> None:
    assert list(brackets(explanation([LEVEL, line(3000)]))) == ["2"]


def test_no_more_is_marked_than_the_list_names() -> None:
    told = explanation([line(hz) for hz in (100, 200, 400, 800)])
    assert list(brackets(told, most=2)) == ["1", "2"]
    assert list(brackets(explanation([line(100, unusualness=0.9), line(200)]))) == ["1"]


def test_marks_at_one_place_do_not_lie_on_each_other() -> None:
    told = explanation([line(1000), line(1010), line(1020)])
    heights = {
        text.get("y")
        for text in drawn(told).iter(f"{SVG}text")
        if text.get("font-weight") and text.text in ("1", "2", "3")
    }
    assert len(heights) == 3
    assert all(float(height or "") > 0 for height in heights)


# Bars


def test_a_bar_is_as_wide_as_its_band_and_as_high_as_the_score_falls() -> None:
    told = explanation(reactions=[Reaction(*LOW, 0.1), Reaction(*HIGH, 0.4)])
    (low_hz, low_end, low), (high_hz, high_end, high) = bars(told)
    assert (low_hz, low_end) == pytest.approx(LOW, rel=0.02)
    assert (high_hz, high_end) == pytest.approx(HIGH, rel=0.02)
    assert high == pytest.approx(4 * low, abs=0.2)


@pytest.mark.parametrize("falls", [(-0.1, -0.4), (0.0, 0.0), (-0.1, 0.4)])
def test_a_band_where_the_score_rises_has_no_bar_and_draws(falls: tuple[float, float]) -> None:
    told = explanation(reactions=[Reaction(*LOW, falls[0]), Reaction(*HIGH, falls[1])])
    for (_, _, height), fall in zip(bars(told), falls, strict=True):
        assert (height > 0) is (fall > 0)


# Text


@pytest.mark.parametrize("title", [HOSTILE, "a\x07b\x1b[31m.wav", "\udcff.wav", "größe 音.wav"])
def test_whatever_the_clip_is_called_it_is_text_in_well_formed_xml(title: str) -> None:
    text = picture_of(explanation([line(3000)]), 5, title=title)
    assert "<script" not in text
    root = svg_picture(text)
    assert not list(root.iter(f"{SVG}script"))
    expected = "".join(sign if sign.isprintable() else "?" for sign in title)
    assert root.get("aria-label") == expected


def test_a_picture_of_its_own_has_colours_and_one_in_a_page_takes_the_pages() -> None:
    alone, inline = drawn(explanation()), drawn(explanation(), is_inline=True)
    assert len(list(alone.iter(f"{SVG}style"))) == 1
    assert not list(inline.iter(f"{SVG}style"))


def test_it_is_the_same_text_again() -> None:
    told = explanation([line(3000), PULSE], [Reaction(*LOW, 0.1)])
    assert picture_of(told, 5, title="a") == picture_of(told, 5, title="a")


def assert_numbers(told: Explanation) -> None:
    text = picture_of(told, 5, title="clip.wav").lower()
    assert "nan" not in text
    assert "inf" not in text.replace("info", "")
    for element in svg_picture(text).iter():
        if element.tag.endswith(("polyline", "polygon")):
            numbers = np.array(element.get("points", "").replace(",", " ").split(), dtype=float)
            assert len(numbers) >= 2 * len(told.spectrum.hz)
            assert np.isfinite(numbers).all()


def test_where_nothing_differs_the_spectrum_is_drawn_alone() -> None:
    told = explanation()
    assert brackets(told) == {}
    assert bars(told) == []
    assert_numbers(told)


def test_a_silent_clip_draws() -> None:
    rng = np.random.default_rng(0)
    healthy = (0.05 * rng.standard_normal((4, 16_000))).astype(np.float32)
    for reference in (Reference.of(healthy, 16_000), Reference.of(0 * healthy, 16_000)):
        seen = seen_spectrum(np.zeros(16_000, np.float32), reference)
        assert_numbers(explanation(seen=seen))


@pytest.mark.parametrize("level", [-200.0, -40.0, 90.0])
def test_a_clip_far_from_the_healthy_ones_stays_in_the_picture(level: float) -> None:
    told = explanation(seen=spectrum(np.full(60, level)))
    root = drawn(told)
    height = float(root.get("viewBox", "").split()[3])
    (_, clip) = root.iter(f"{SVG}polyline")
    ys = [float(point.split(",")[1]) for point in clip.get("points", "").split()]
    assert 0 < min(ys) <= max(ys) < height
    levels = [text for text in root.iter(f"{SVG}text") if text.get("text-anchor") == "end"]
    assert len(levels) < 20

"""Lines that belong together are told from lines that do not."""

from __future__ import annotations

import numpy as np
import pytest

from rattle.diagnosis.series import series_of

BIN_HZ = 1.5


def test_harmonics_are_found_without_their_fundamental() -> None:
    lines = np.array([900.0, 600.3, 1199.8, 1500.1, 777.0])
    series = series_of(lines, 0, BIN_HZ)
    assert series is not None
    assert series.harmonics_of_hz == pytest.approx(300, abs=0.2)
    assert series.members == (0, 1, 2, 3)


def test_half_orders_are_harmonics_of_half_the_shaft() -> None:
    lines = 12.7 * np.arange(1, 9)
    series = series_of(lines, 1, BIN_HZ)
    assert series is not None
    assert series.harmonics_of_hz == pytest.approx(12.7, abs=0.05)
    assert len(series.members) == 8


def test_sidebands_are_no_harmonics() -> None:
    lines = 3210.0 + 45 * np.arange(-3, 4)
    series = series_of(lines, 3, BIN_HZ)
    assert series is not None
    assert series.harmonics_of_hz is None
    assert series.spacing_hz == pytest.approx(45, abs=0.1)


@pytest.mark.parametrize("lines", [[500.0], [500.0, 730.0], [500.0, 813.0, 1930.0]])
def test_few_lines_anywhere_are_no_series(lines: list[float]) -> None:
    assert series_of(np.array(lines), 0, BIN_HZ) is None


def test_lines_by_chance_seldom_make_a_series() -> None:
    rng = np.random.default_rng(0)
    series = [series_of(rng.uniform(50, 8000, 12), 0, BIN_HZ) for _ in range(200)]
    assert np.mean([one is not None for one in series]) < 0.1

"""Which states of a machine were heard."""

from __future__ import annotations

import numpy as np
from enrol_kit import machine, noise, pieces_of

from rattle.station.enrol.states import states_of

# A minute at rest, two at work, three times.
SHIFT = np.concatenate([np.r_[noise(60, -55, n), noise(120, -25, n + 9)] for n in range(3)])


def test_a_machine_that_starts_and_stops_is_heard_so() -> None:
    states = states_of(machine(running="by level"), pieces_of(SHIFT))
    assert states.starts == 3
    assert [round(level) for level, _ in states.levels_db] == [-55, -25]
    assert [seconds for _, seconds in states.levels_db] == [180, 360]
    assert states.above_dbfs is not None
    assert -50 < states.above_dbfs < -30
    # The five seconds that it takes to be sure are not counted.
    assert 330 <= states.running_s <= 375


def test_what_is_learnt_from_is_the_running_sound_alone() -> None:
    pieces = pieces_of(SHIFT)
    usable = states_of(machine(running="by level"), pieces).usable
    assert {*usable} == {piece for piece in pieces if min(piece.levels_db) > -40}


def test_a_level_of_the_table_counts_before_what_was_found() -> None:
    states = states_of(machine(running="by level", running_above_dbfs=-80.0), pieces_of(SHIFT))
    assert states.above_dbfs == -80
    assert len(states.usable) == len(pieces_of(SHIFT))


def test_a_machine_that_always_runs_has_no_rest() -> None:
    pieces = pieces_of(noise(120, -30))
    for running in ("always", "by tag", "by level"):
        states = states_of(machine(running=running), pieces)
        assert len(states.usable) == len(pieces)
        assert states.running_s == 120
        assert states.starts == 0


def test_its_starts_are_counted_though_it_counts_as_running_all_the_time() -> None:
    states = states_of(machine(running="always"), pieces_of(SHIFT))
    assert states.starts == 3
    assert states.running_s == 540


def test_three_loads_are_three_levels() -> None:
    sound = np.concatenate([noise(60, -60), noise(60, -40), noise(60, -20)])
    assert len(states_of(machine(), pieces_of(sound)).levels_db) == 3

"""The demo's sound: the same for the same seed, healthy but where a fault is due, without jumps."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from rattle.station.demo.machines import MACHINES
from rattle.station.demo.script import FIRST, TROUBLES, faults
from rattle.station.demo.sound import RATE_HZ, RUN_S, Fault, MachineSound
from rattle.station.demo.source import UNPLUGGED, MadeSource, Trouble

PUMP = MACHINES[0]


def test_however_it_is_asked_for_the_sound_is_the_same() -> None:
    whole = MachineSound(PUMP.specimen, 1).between(RUN_S - 2, RUN_S + 2)
    pieces = MachineSound(PUMP.specimen, 1)
    steps = [pieces.between(at, at + 0.25) for at in np.arange(RUN_S - 2, RUN_S + 2, 0.25)]
    np.testing.assert_array_equal(np.concatenate(steps), whole)
    assert len(whole) == 4 * RATE_HZ


def test_a_fault_is_heard_between_its_times_alone() -> None:
    healthy = MachineSound(PUMP.specimen, 1)
    faulty = MachineSound(PUMP.specimen, 1, [Fault("bearing_outer", 1.0, 20.0, 30.0)])
    for at_s, is_faulty in ((10.0, False), (25.0, True), (40.0, False)):
        one, other = (sound.between(at_s, at_s + 1) for sound in (healthy, faulty))
        assert np.array_equal(one, other) != is_faulty


def test_a_run_begins_and_ends_in_silence_so_that_no_jump_is_heard() -> None:
    around = MachineSound(PUMP.specimen, 1).between(RUN_S - 0.01, RUN_S + 0.01)
    assert np.abs(around).max() < 0.02


def test_the_first_fault_comes_within_half_a_minute_and_each_kind_of_trouble_within_one() -> None:
    assert min(fault.start_s for each in FIRST.values() for fault in each) < 30
    troubles = [trouble for each in TROUBLES.values() for trouble in each]
    assert {trouble.kind for trouble in troubles} == {"unplugged", "lost"}
    assert max(trouble.start_s for trouble in troubles) < 60
    assert {each.name for each in MACHINES} >= {*FIRST, *TROUBLES}


def test_faults_of_a_machine_do_not_overlap() -> None:
    for of in faults().values():
        for fault, following in pairwise(of):
            assert fault.end_s < following.start_s


class Clock:
    """A clock that a source's waiting moves on."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        self.at += 0.25
        return self.at


def test_a_source_gives_its_sound_and_its_troubles() -> None:
    sound = MachineSound(PUMP.specimen, 1)
    source = MadeSource("pump", sound, [Trouble("unplugged", 1.0, 2.0)], clock=Clock())
    connection = source.connect()
    blocks = connection.blocks()
    loud = [float(np.abs(next(blocks).samples).max()) for _ in range(12)]
    connection.close()
    assert next(blocks, None) is None
    quiet = [level <= UNPLUGGED for level in loud]
    assert quiet.count(True) == 4
    assert quiet[:3] == [False] * 3

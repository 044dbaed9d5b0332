"""What the terminal says of an adaptation."""

from __future__ import annotations

import pytest

from rattle.cli.terminal.change_lines import NAMES, change_lines
from rattle.runtime.change import Change, Judged


def judged(*each: tuple[str, bool, bool], apart: bool | None = None) -> tuple[Judged, ...]:
    return tuple(Judged(name, before, after, apart) for name, before, after in each)


def test_nothing_known_is_nothing_said() -> None:
    assert change_lines("fan/id_00", Change((), ())) == []


def test_it_is_said_how_many_faults_were_found_and_are() -> None:
    change = Change(
        (), judged(("a.wav", False, True), ("b.wav", True, True), ("c.wav", False, False))
    )
    assert change_lines("fan/id_00", change) == [
        "fan/id_00: of 3 anomalies it found 1 before and finds 2 now"
    ]


def test_one_fault_is_an_anomaly() -> None:
    (line,) = change_lines("fan", Change((), judged(("a.wav", False, True))))
    assert line == "fan: of 1 anomaly it found 0 before and finds 1 now"


def test_what_was_found_without_having_been_learnt_from_is_told_apart() -> None:
    faults = (
        *judged(("a.wav", False, True), ("b.wav", False, True), apart=True),
        *judged(("c.wav", False, True), apart=False),
    )
    (line,) = change_lines("fan", Change((), faults))
    assert line == (
        "fan: of 3 anomalies it found 0 before and finds 3 now; 2 when each is judged without "
        "having been learnt from"
    )


def test_lost_anomalies_are_named_and_it_is_said_what_to_do() -> None:
    change = Change((), judged(("knock.wav", True, False), ("squeal.wav", True, True)))
    found, lost = change_lines("fan", change)
    assert found == "fan: of 2 anomalies it found 2 before and finds 1 now"
    assert lost == (
        "fan: warning: found before and not now: knock.wav; listen to them again, or keep the old "
        "bundle"
    )


@pytest.mark.parametrize("more", [0, 1, 30])
def test_of_many_lost_the_first_are_named_and_the_rest_counted(more: int) -> None:
    names = [f"{n}.wav" for n in range(NAMES + more)]
    change = Change((), judged(*((name, True, False) for name in names)))
    line = change_lines("fan", change)[1]
    assert ", ".join(names[:NAMES]) in line
    assert (f"{NAMES - 1}.wav and {more} more; listen" in line) == bool(more)
    assert f"{NAMES}.wav" not in line


def test_false_alarms_are_counted_on_clips_that_it_did_not_learn_from() -> None:
    change = Change(judged(("a", True, False), ("b", True, False), ("c", False, True)), ())
    assert change_lines("fan", change) == [
        "fan: of 3 healthy clips that it did not learn from 2 would have been an alarm before, 1 "
        "would be now"
    ]


def test_what_was_called_normal_is_no_alarm_or_named() -> None:
    silent = judged(("a.wav", True, False), ("b.wav", True, False))
    assert change_lines("fan", Change((), (), silent)) == ["fan: 2 clips called normal: no alarm"]
    loud = (*silent, *judged(("c.wav", True, True)))
    assert change_lines("fan", Change((), (), loud)) == [
        "fan: 3 clips called normal: still an alarm: c.wav"
    ]


def test_that_the_threshold_rose_is_a_warning() -> None:
    silent = judged(("a.wav", True, False))
    *_, last = change_lines("fan", Change((), (), silent, is_raised=True))
    assert last.startswith("fan: warning: the threshold rose for what was called normal")


def test_all_of_it_is_said_in_order() -> None:
    lines = change_lines(
        "fan",
        Change(
            judged(("h", False, False)),
            judged(("a.wav", True, False)),
            judged(("s.wav", True, False)),
            is_raised=True,
        ),
    )
    begin = (
        "of 1 anomaly",
        "warning: found before",
        "of 1 healthy",
        "1 clip called",
        "warning: the",
    )
    assert len(lines) == len(begin)
    assert all(line.startswith(f"fan: {of}") for line, of in zip(lines, begin, strict=True))

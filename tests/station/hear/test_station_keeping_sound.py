"""Of every ten minutes of normal sound 10 s are kept, and nothing of what is not normal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import pytest
from hearing_kit import BEGAN, HOP_S, RATE_HZ, WINDOW_S, Kit, account_of, noise
from hypothesis import given, settings
from hypothesis import strategies as st

from rattle.listening.windows import Window
from rattle.station.hear.keeping_sound import EVERY_S, PIECE_S, NormalSound
from rattle.station.hear.operating import ByLevel
from rattle.station.hear.recordings import Recordings
from rattle.station.records import IncidentChanged, NormalHeard, Record

HEALTHY, ODD, LEARNT = 0.1, 0.001, 0.0903  # as in test_station_ear
Kind = Literal["normal", "odd", "unfit", "resting"]
SCORES: dict[Kind, float | None] = {"normal": 1.0, "odd": 3.0, "unfit": None, "resting": None}
Z = np.zeros(1, np.float32)
SLOW_HZ = 10  # a sample says its place, and so much need not be heard


class Slow:
    """A source of ten samples a second, with a window of 8 s each second."""

    def __init__(self, source_id: str = "mic", window_s: float = 8.0) -> None:
        self.told: list[Record] = []
        self.window_s = window_s
        self.normal = NormalSound(source_id, self.told.append, lambda score: score < 2.0)
        self.at_s = 0.0  # since BEGAN
        self.begin()

    def begin(self) -> None:
        """Begin another segment."""
        begins = self.at_s
        self.place = 0
        self.segment: Any = SimpleNamespace(
            rate_hz=SLOW_HZ,
            channels=1,
            window_s=self.window_s,
            time=lambda place_s: BEGAN.timestamp() + begins + place_s,
        )
        self.recordings = Recordings("mic", self.segment, self.told.append)
        self.normal.another_segment()

    def hear(self, kinds: Sequence[Kind]) -> None:
        """Hear a second for each kind; it is what the window is that ends with it."""
        for kind in kinds:
            steps = round(self.at_s * SLOW_HZ) + np.arange(SLOW_HZ)
            self.recordings.push((steps[:, None] % 32_768 / 32_768).astype(np.float32))
            self.place += 1
            self.at_s += 1
            if self.place < self.window_s:
                continue
            start_s = self.place - self.window_s
            fault = "silent" if kind == "unfit" else ""
            window = Window(start_s, start_s + self.window_s, Z, fault)
            self.normal.window(window, SCORES[kind], self.segment, self.recordings)

    def end(self) -> None:
        """End the segment."""
        self.normal.pause(self.segment, self.recordings)

    @property
    def pieces(self) -> list[NormalHeard]:
        return [each for each in self.told if isinstance(each, NormalHeard)]

    def places(self) -> list[tuple[float, float]]:
        """From when to when the pieces were heard, as their sound says it."""
        found = []
        for piece in self.pieces:
            steps = np.rint(piece.samples[:, 0] * 32_768).astype(int)
            said = round((piece.start - BEGAN).total_seconds() * SLOW_HZ)
            [apart] = set(((steps - said - np.arange(len(steps)) + 1) % 32_768 - 1).tolist())
            assert abs(apart) <= 1
            found.append(((said + apart) / SLOW_HZ, (said + apart + len(steps)) / SLOW_HZ))
        return found


def test_of_normal_sound_ten_seconds_of_every_ten_minutes_are_kept() -> None:
    slow = Slow()
    slow.hear(["normal"] * 3000)
    slow.end()
    places = slow.places()
    assert [int(begin // EVERY_S) for begin, _ in places] == [0, 1, 2, 3, 4]
    assert [int((end - 0.1) // EVERY_S) for _, end in places] == [0, 1, 2, 3, 4]
    assert {round(end - begin, 1) for begin, end in places} == {PIECE_S}
    assert {piece.sample_rate_hz for piece in slow.pieces} == {SLOW_HZ}


def test_each_moment_of_the_ten_minutes_is_as_likely() -> None:
    ends = []
    for number in range(400):
        slow = Slow(f"source {number}")
        slow.hear(["normal"] * 620)
        ends.append(slow.places()[0][1])
    shares = np.sort((np.array(ends) - PIECE_S) / (EVERY_S - PIECE_S))
    # Kolmogorov and Smirnov: what one draw in ten thousand is further apart by.
    assert np.abs(shares - (np.arange(400) + 0.5) / 400).max() < 2.22 / np.sqrt(400)


def test_the_same_sound_at_the_same_time_has_the_same_moment_and_no_other() -> None:
    places = []
    for source_id, later in (("mic", 0.0), ("mic", 0.0), ("cam", 0.0), ("mic", 60.0)):
        slow = Slow(source_id)
        slow.at_s = later
        slow.begin()
        slow.hear(["normal"] * 620)
        places.append(slow.places()[0][0] - later)
    assert places[0] == places[1]
    assert len(set(places)) == 3


runs = st.lists(
    st.tuples(
        st.sampled_from(["normal", "normal", "odd", "unfit", "resting", "lost"]),
        st.integers(1, 900),
    ),
    max_size=8,
)


@given(runs=runs, window_s=st.sampled_from([2.0, 8.0]))
@settings(max_examples=40)
def test_a_piece_is_of_normal_windows_alone_whatever_comes(
    runs: list[tuple[Any, int]], window_s: float
) -> None:
    slow = Slow(window_s=window_s)
    windows: dict[str, list[tuple[float, float]]] = {"normal": [], "odd": []}
    for kind, seconds in runs:
        if kind == "lost":
            slow.end()
            slow.at_s += seconds
            slow.begin()
            continue
        ends = [slow.at_s + n for n in range(1, seconds + 1) if slow.place + n >= window_s]
        slow.hear([kind] * seconds)
        if kind != "resting":
            of = windows["normal" if kind == "normal" else "odd"]
            of += [(end - window_s, end) for end in ends]
    slow.end()
    seconds_of = {
        name: {s for b, e in of for s in range(int(b), int(e))} for name, of in windows.items()
    }
    for begin, end in slow.places():
        assert window_s <= end - begin <= PIECE_S
        within = set(range(int(begin + 0.1), int(np.ceil(end - 0.1))))
        assert within <= seconds_of["normal"] - seconds_of["odd"]
    assert len(slow.pieces) <= len(seconds_of["normal"]) // EVERY_S + 1


def test_the_beginning_of_what_turns_out_to_be_odd_is_not_kept() -> None:
    kept = []
    for number in range(60):
        slow = Slow(f"source {number}")
        slow.hear(["normal"] * 300)
        slow.hear(["odd"] * 320)
        kept += slow.places()
    assert 20 <= len(kept) <= 40
    # The first odd window ends with second 301.
    assert max(end for _, end in kept) <= 301 - slow.window_s


def test_a_machine_that_runs_for_a_quarter_of_a_minute_at_a_time_is_kept_too() -> None:
    slow = Slow()
    slow.hear(([*["normal"] * 8, *["resting"] * 12]) * 90)
    # Each run holds fifteen seconds that were judged: eight windows of 8 s.
    assert 2 <= len(slow.pieces) <= 3
    assert {round(end - begin, 1) for begin, end in slow.places()} == {PIECE_S}


def test_of_recordings_of_ten_seconds_what_was_judged_is_kept() -> None:
    slow = Slow(window_s=9.0)
    for _ in range(140):
        slow.hear(["normal"] * 9)
        slow.end()
        slow.begin()
    assert [len(piece.samples) for piece in slow.pieces] == [9 * SLOW_HZ] * 2


def test_of_a_folder_of_short_recordings_what_was_judged_of_one_is_kept() -> None:
    kit = Kit(account=account_of(LEARNT), live=False)
    for number in range(125):
        kit.hear(noise(10, seed=number % 8), lengths=(RATE_HZ,), gap="the next begins")
    kit.ear.stop()
    pieces = pieces_of(kit)
    assert len(pieces) == 2
    # Windows of 2 s, one each 0.992 s: the last one ends before the recording does.
    assert {len(piece.samples) for piece in pieces} == {round((WINDOW_S + 8 * HOP_S) * RATE_HZ)}
    assert all(((piece.start - BEGAN).total_seconds()) % 10 == 0 for piece in pieces)


# The whole ear, from sound.


def pieces_of(kit: Kit) -> list[NormalHeard]:
    return kit.of(NormalHeard)


def test_an_ear_keeps_all_channels_as_they_were_heard() -> None:
    kit = Kit(account=account_of(LEARNT))
    sound = np.concatenate([noise(60, seed=seed) for seed in range(11)])
    kit.hear(np.hstack([sound, sound / 2]), lengths=(RATE_HZ,))
    [piece] = pieces_of(kit)
    assert timedelta(0) <= piece.start - BEGAN <= timedelta(minutes=10)
    assert (piece.sample_rate_hz, piece.samples.shape) == (RATE_HZ, (10 * RATE_HZ, 2))
    first = round((piece.start - BEGAN).total_seconds() * RATE_HZ)
    expected = sound[first - 20 : first + 10 * RATE_HZ + 20, 0]
    # Times are in microseconds, and places in samples.
    near = [
        np.abs(expected[shift : shift + 10 * RATE_HZ] - piece.samples[:, 0]).max()
        for shift in range(40)
    ]
    assert min(near) < 2e-5
    assert piece.samples[:, 1] == pytest.approx(piece.samples[:, 0] / 2, abs=4e-5)


def heard(kit: Kit, minutes: int, level: float = HEALTHY) -> list[NormalHeard]:
    """What is kept of so many more minutes."""
    before = len(pieces_of(kit))
    for minute in range(minutes):
        kit.hear(noise(60, level, seed=minute), lengths=(RATE_HZ,))
    return pieces_of(kit)[before:]


def test_nothing_is_kept_before_there_is_a_threshold() -> None:
    assert heard(Kit(), 21) == []


def test_nothing_is_kept_while_an_incident_is_open() -> None:
    kit = Kit(account=account_of(LEARNT))
    kit.hear(noise(20, ODD))
    [opened] = kit.of(IncidentChanged)
    assert (opened.kind, opened.state) == ("machine", "open")
    assert heard(kit, 9) == []
    assert [each.state for each in kit.of(IncidentChanged)] == ["open"] * 2
    assert len(heard(kit, 12)) == 1
    assert kit.of(IncidentChanged)[-1].state == "ended"
    assert pieces_of(kit)[0].start > kit.of(IncidentChanged)[-1].opened + timedelta(minutes=9)


def test_nothing_is_kept_while_another_microphone_of_the_machine_hears_an_incident() -> None:
    kit = Kit(account=account_of(LEARNT), sources=("mic", "cam"))
    kit.hear(noise(20, ODD), source="cam", is_clock_moved=False)
    assert heard(kit, 21) == []
    assert heard(Kit(account=account_of(LEARNT), sources=("mic", "cam")), 21) != []


def test_nothing_is_kept_of_a_machine_that_rests_or_a_microphone_that_is_unfit() -> None:
    idle = Kit(account=account_of(LEARNT), running=ByLevel(-10.0))
    assert heard(idle, 21) == []
    silent = Kit(account=account_of(LEARNT))
    assert heard(silent, 21, level=0.0) == []


def test_nothing_is_kept_while_it_is_asked_whether_the_microphone_was_moved() -> None:
    kit = Kit(account=account_of(LEARNT))
    # It stays open until the sound of a minute says otherwise: here it is asked for good.
    kit.troubles["mic"].say("moved", "was the microphone moved? it is louder", BEGAN)
    kit.troubles["mic"].over = lambda *_: None  # type: ignore[method-assign]
    assert heard(kit, 21) == []


def test_a_restart_loses_one_piece_at_most() -> None:
    kit = Kit(account=account_of(LEARNT))
    heard(kit, 15)
    kit.ear.stop()
    before = len(pieces_of(kit))
    again = Kit(account=account_of(LEARNT))
    again.at = kit.at
    heard(again, 15)
    again.ear.stop()
    assert 1 <= before <= 2
    assert before + len(pieces_of(again)) >= 2


def test_an_ear_that_is_cut_off_counts_on_when_sound_comes_again() -> None:
    kit = Kit(account=account_of(LEARNT))
    for _ in range(4):
        heard(kit, 4)
        kit.ear.lost("cable", kit.at)
        kit.at += timedelta(seconds=20)
    assert len(pieces_of(kit)) in (1, 2)

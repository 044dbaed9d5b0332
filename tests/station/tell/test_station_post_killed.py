"""A station that is killed tells all the same: nothing is lost, at most one message comes twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tell_kit import Clock, Hall, Receiver, post_of

HERE = Path(__file__).parent


class Child:
    """The post as a process; ``minutes`` after noon."""

    def __init__(self, hall: Hall, receiver: Receiver, minutes: float) -> None:
        folder = Path(str(hall.database.engine.url.database)).parent
        # What is found here is found there, too.
        path = os.pathsep.join([*map(str, (HERE.parent, HERE.parents[1])), *sys.path])
        words = [sys.executable, HERE / "post_child.py", folder, receiver.url, str(minutes)]
        self.process = subprocess.Popen(words, env={**os.environ, "PYTHONPATH": path})

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)

    def ends(self) -> int:
        return self.process.wait(timeout=60)


def test_one_that_is_killed_before_it_notes_what_it_sent_sends_it_again_with_the_same_id(
    hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    post_of(hall.database, clock, receiver.url)  # the channel is known
    hall.end(hall.alarm())
    child = Child(hall, receiver, 1)
    receiver.before_answer = child.kill
    assert child.ends() == -signal.SIGKILL
    assert len(receiver.taken) == 1
    receiver.before_answer = lambda: None
    assert Child(hall, receiver, 2).ends() == 0  # perhaps it is still being sent
    assert len(receiver.taken) == 1
    assert Child(hall, receiver, 4).ends() == 0
    first, again, second = receiver.taken
    assert first == again
    assert receiver.told == ["alarm press-1", "alarm press-1", "ended press-1"]
    assert second[0] != first[0]
    assert Child(hall, receiver, 8).ends() == 0
    assert len(receiver.taken) == 3


def test_an_alarm_that_was_stored_by_a_station_that_was_killed_is_found(
    hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    post_of(hall.database, clock, receiver.url)
    hall.end(hall.alarm())  # stored, and nothing else was done
    assert Child(hall, receiver, 30).ends() == 0
    assert receiver.told == ["alarm press-1", "ended press-1"]

"""The thread of a source: it connects again, outlives errors, and ends when it is asked to."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hearing_kit import RATE_HZ, Kit, noise

from rattle import SourceError
from rattle.listening.source import Block, SourceLostError, SourceRefusedError
from rattle.station.config.model import Push
from rattle.station.hear.folder import WatchedFolder
from rattle.station.hear.listener import Listener
from rattle.station.hear.push import PushInbox
from rattle.station.records import MinuteHeard

PATIENCE_S = 30.0


@dataclass
class Scripted:
    """Each connection plays the next of its scripts; None is a source that says nothing more."""

    scripts: list[Sequence[Block | Exception | None]]
    live: bool = True
    name: str = "camera"
    connections: list[ScriptedConnection] = field(default_factory=list)

    def connect(self) -> ScriptedConnection:
        script = self.scripts[min(len(self.connections), len(self.scripts) - 1)]
        self.connections.append(ScriptedConnection(script))
        return self.connections[-1]


@dataclass
class ScriptedConnection:
    script: Sequence[Block | Exception | None]
    closed: threading.Event = field(default_factory=threading.Event)

    def blocks(self) -> Iterator[Block]:
        for item in self.script:
            if isinstance(item, Exception):
                raise item
            if item is None:
                self.closed.wait()
                return
            yield item

    def close(self) -> None:
        self.closed.set()


def blocks(seconds: float) -> list[Block]:
    sound = noise(seconds)
    return [Block(sound[at : at + 4000], RATE_HZ) for at in range(0, len(sound), 4000)]


def until(holds: Callable[[], object]) -> None:
    """Wait for something that is to come; fail where it does not."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


@pytest.fixture
def listening() -> Iterator[Callable[..., Listener]]:
    started: list[Listener] = []

    def listen(source: object, kit: Kit) -> Listener:
        listener = Listener(
            source,  # type: ignore[arg-type]
            kit.ear,
            randomness=np.random.default_rng(0),
            refused_wait_s=0.05,
            failed_wait_s=0.05,
        )
        listener.start()
        started.append(listener)
        return listener

    yield listen
    for listener in started:
        listener.stop()
        assert listener.join(PATIENCE_S)


Listening = Callable[..., Listener]


def test_a_lost_source_is_connected_again_and_the_board_says_why(listening: Listening) -> None:
    kit = Kit()
    source = Scripted([[*blocks(3), SourceLostError("no route to host")], [*blocks(3), None]])
    seen: list[tuple[str, str]] = []
    kit.board.set_source = recorded(kit, seen)  # type: ignore[method-assign]
    listening(source, kit)
    until(lambda: kit.now.connections == 2)
    assert ("lost", "no route to host") in seen
    until(lambda: kit.now.score is not None)
    assert kit.now.state == "live"


def test_the_log_calls_a_lost_source_as_the_plant_does(
    listening: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    kit = Kit()
    source = Scripted([[*blocks(3), SourceLostError("no route to host")], [*blocks(3), None]])
    assert source.name != kit.now.name
    listening(source, kit)
    until(lambda: kit.now.connections == 2)
    assert f"{kit.now.name}: lost: no route to host" in caplog.messages


def recorded(kit: Kit, seen: list[tuple[str, str]]) -> Callable[..., object]:
    set_source = kit.board.set_source

    def record(source_id: str, **changes: object) -> object:
        if "state" in changes:
            seen.append((str(changes["state"]), str(changes["reason"])))
        return set_source(source_id, **changes)

    return record


def test_one_that_refuses_is_tried_again_all_the_same(listening: Listening) -> None:
    kit = Kit()
    source = Scripted(
        [[SourceRefusedError("401: check user and password")]] * 3 + [[*blocks(3), None]]
    )
    listening(source, kit)
    until(lambda: kit.now.state == "live")
    assert len(source.connections) == 4


def test_one_that_cannot_be_opened_is_lost_with_its_reason(listening: Listening) -> None:
    class Missing(Scripted):
        def connect(self) -> ScriptedConnection:
            raise SourceError("no such sound card: USB")

    kit = Kit()
    listening(Missing([]), kit)
    until(lambda: kit.now.state == "lost")
    assert kit.now.reason == "no such sound card: USB"


def test_an_error_of_ours_is_logged_once_and_said_and_other_ears_go_on(
    listening: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    kit, other = Kit(), Kit()
    push, fails = kit.ear.push, iter([True] * 3)

    def broken(block: Block, *args: object) -> None:
        if next(fails, False):
            raise ZeroDivisionError("a bug")
        push(block, *args)  # type: ignore[arg-type]

    kit.ear.push = broken  # type: ignore[method-assign, assignment]
    seen: list[tuple[str, str]] = []
    kit.board.set_source = recorded(kit, seen)  # type: ignore[method-assign]
    listening(Scripted([[*blocks(3), None]]), kit)
    listening(Scripted([[*blocks(3), None]]), other)
    until(lambda: kit.now.score is not None and other.now.score is not None)
    assert ("lost", "the station failed to hear it (a bug)") in seen
    assert sum("hearing failed" in record.message for record in caplog.records) == 1
    assert other.now.connections == 1


def test_an_ear_that_cannot_even_say_what_failed_has_another_chance(listening: Listening) -> None:
    kit = Kit()
    failed, fails = kit.ear.failed, iter([True])

    def broken(*args: object) -> None:
        if next(fails, False):
            raise ZeroDivisionError("a bug")
        failed(*args)  # type: ignore[arg-type]

    kit.ear.failed = broken  # type: ignore[method-assign, assignment]
    listening(Scripted([[SourceRefusedError("401")], [*blocks(3), None]]), kit)
    until(lambda: kit.now.state == "live")


def test_a_file_is_heard_to_its_end(listening: Listening) -> None:
    kit = Kit(live=False)
    listening(Scripted([blocks(4)], live=False), kit)
    until(lambda: kit.now.state == "ended")
    assert kit.of(MinuteHeard)


@pytest.mark.parametrize("script", [[*blocks(1), None], [SourceLostError("gone")], [None]])
def test_it_ends_when_it_is_asked_to_whatever_it_waits_for(
    script: list[Block | Exception | None],
) -> None:
    kit = Kit()
    source = Scripted([script])
    listener = Listener(source, kit.ear)
    listener.start()
    until(lambda: source.connections)
    listener.stop()
    assert listener.join(3)


def test_it_ends_though_it_was_not_connected_yet() -> None:
    kit = Kit()
    listener = Listener(Scripted([[None]]), kit.ear)
    listener.stop()
    listener.start()
    assert listener.join(3)


def test_one_that_was_never_started_has_ended() -> None:
    listener = Listener(Scripted([[None]]), Kit().ear)
    listener.stop()
    assert listener.join(3)


def test_what_was_heard_up_to_its_end_is_told(listening: Listening) -> None:
    kit = Kit()
    listener = listening(Scripted([[*blocks(5), None]]), kit)
    until(lambda: kit.now.score is not None)
    assert kit.of(MinuteHeard) == []
    listener.stop()
    assert listener.join(PATIENCE_S)
    assert sum(len(minute.scores) for minute in kit.of(MinuteHeard)) >= 1


def test_recordings_of_a_folder_are_heard_as_they_arrive(
    listening: Listening, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()

    def put(name: str) -> None:
        sf.write(tmp_path / name, noise(4), RATE_HZ, subtype="PCM_16")
        os.utime(tmp_path / name, (1e9, 1e9))
        (tmp_path / name).rename(tmp_path / "in" / name)

    put("a.wav")
    kit = Kit(live=False)
    listening(WatchedFolder(tmp_path / "in", tmp_path / "heard.jsonl"), kit)
    until(lambda: kit.now.reason == "waits for recordings")
    [minute] = kit.of(MinuteHeard)
    assert minute.at.timestamp() == 1e9 // 60 * 60
    put("b.wav")
    until(lambda: len(kit.of(MinuteHeard)) == 2)


def test_pushed_sound_is_scored(listening: Listening) -> None:
    kit = Kit()
    box = PushInbox("mic", Push.model_validate({"token": "x", "encoding": "f32le"}))
    listening(box, kit)
    sound = noise(8)
    for start in range(0, len(sound), 1000):
        while not box.offer(sound[start : start + 1000].tobytes()):
            time.sleep(0.01)
    until(lambda: kit.now.score is not None)
    assert (kit.now.state, kit.now.connections) == ("live", 1)


def test_a_source_that_cannot_be_closed_keeps_no_other_open(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Unclosable(ScriptedConnection):
        def close(self) -> None:
            super().close()
            raise OSError("the driver is gone")

    class Card(Scripted):
        def connect(self) -> ScriptedConnection:
            self.connections.append(Unclosable([*blocks(1), None]))
            return self.connections[-1]

    kit = Kit()
    listener = Listener(Card([]), kit.ear)
    listener.start()
    until(lambda: kit.now.state == "live")
    listener.stop()
    assert listener.join(PATIENCE_S)
    assert "it could not be closed" in caplog.text

"""Hear the recordings that arrive in a folder, each once.

What was heard is remembered in a file of the station's own, a line a recording: nothing is written
to the folder, which may be a recorder's.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from rattle.atomic import write_text, writing
from rattle.clips.files import below
from rattle.clips.reading import open_sound, sound_blocks
from rattle.errors import ClipError, StorageError
from rattle.listening.recording import recording_blocks
from rattle.listening.source import Block, SourceLostError

_log = logging.getLogger(__name__)

# A recording is complete once it was left alone for so long.
UNCHANGED_S = 2.0
# Of an archive so many are heard before it is looked at again.
MOST_AT_ONCE = 200


@dataclass(frozen=True)
class Arrived:
    """A recording as it lies there; changed, it is another one."""

    name: str
    size: int
    changed_ns: int


class WatchedFolder:
    """A source of recordings; each connection gives those that are complete and not heard yet.

    They come in the order in which they were changed last, those of one time by name. A recording
    ends when it was changed last, or when the one after it begins: those that were copied here
    together lie one after another. One that cannot be read is said once and counts as heard.
    """

    live = False

    def __init__(self, folder: Path, heard: Path, clock: Callable[[], float] = time.time) -> None:
        """``heard`` is the file that remembers; ``clock`` counts as file times do."""
        self.name = str(folder)
        self._folder, self._memory, self._clock = folder, heard, clock
        self._heard: set[Arrived] | None = None
        self._seen: dict[Arrived, float] = {}
        self._is_full = False

    def connect(self) -> FolderConnection:
        """Look what is there."""
        return FolderConnection(self)

    def complete(self) -> list[Arrived]:
        """List the recordings to hear; ``SourceLostError`` where the folder is not there.

        One that was moved here was changed long ago, and is complete at once.
        """
        if not self._folder.is_dir():
            raise SourceLostError(
                f"there is no folder {self._folder}; make it, or mount the disk that holds it"
            )
        now, there = self._clock(), set(self._there())
        heard = self._known(there)
        self._seen = {each: self._seen.get(each, now) for each in there - heard}
        ready = [
            each
            for each, since in self._seen.items()
            if now - since >= UNCHANGED_S or now - each.changed_ns / 1e9 >= UNCHANGED_S
        ]
        return sorted(ready, key=lambda each: (each.changed_ns, each.name))[:MOST_AT_ONCE]

    def begins(self, recordings: Sequence[Arrived]) -> list[float]:
        """Say when each began, so that none ends after the next begins."""
        begins: list[float] = []
        for recording in reversed(recordings):
            end = min(recording.changed_ns / 1e9, begins[-1] if begins else np.inf)
            begins.append(end - _seconds_of(self._folder / recording.name))
        return begins[::-1]

    def hear(self, recording: Arrived, begins: float) -> Iterator[Block]:
        """Yield a recording's sound, each block with its time; it is remembered at the end."""
        path = self._folder / recording.name
        try:
            yield from self._blocks(path, recording, begins)
        except ClipError as error:
            if recording not in set(self._there()):
                return  # it was still being written, or is gone: it is looked at again
            _log.warning("%s; it is left out", error)
        self._remember(recording)

    def _blocks(self, path: Path, recording: Arrived, begins: float) -> Iterator[Block]:
        heard_s = 0.0
        for block in recording_blocks(path):
            gap = "" if heard_s else f"{recording.name} begins"
            heard_s += block.seconds
            at = datetime.fromtimestamp(begins + heard_s, UTC)
            yield replace(block, gap=gap, at=at)

    def _there(self) -> Iterator[Arrived]:
        for path in below(self._folder):
            try:
                stat = path.stat()
            except OSError:  # gone meanwhile
                continue
            yield Arrived(os.fspath(path.relative_to(self._folder)), stat.st_size, stat.st_mtime_ns)

    def _known(self, there: set[Arrived]) -> set[Arrived]:
        """What was heard, of what is there; what left the folder is forgotten at the start.

        Where nothing is there the disk may not be mounted yet, and nothing is forgotten.
        """
        if self._heard is None:
            heard = _read(self._memory)
            self._heard = heard & there if there else heard
            with self._complaining():
                self._write()
        return self._heard

    def _remember(self, recording: Arrived) -> None:
        assert self._heard is not None  # noqa: S101
        self._heard.add(recording)
        with self._complaining():
            if self._is_full:
                self._write()
                return
            with writing(self._memory), self._memory.open("a", encoding="utf-8") as file:
                file.write(_line(recording))

    def _write(self) -> None:
        write_text(self._memory, "".join(_line(each) for each in self._heard or ()))

    @contextlib.contextmanager
    def _complaining(self) -> Iterator[None]:
        """Hear on where it cannot be written down: the disk may be full for a while."""
        try:
            yield
        except StorageError as error:
            if not self._is_full:
                _log.warning("%s; what was heard is heard again after a restart", error)
            self._is_full = True
        else:
            self._is_full = False


class FolderConnection:
    """The recordings that wait, one after another."""

    def __init__(self, folder: WatchedFolder) -> None:
        self._folder = folder
        self._closed = False

    def blocks(self) -> Iterator[Block]:
        """Yield them, until none waits or it is closed."""
        recordings = self._folder.complete()
        begins = self._folder.begins(recordings)
        for recording, began in zip(recordings, begins, strict=True):
            for block in self._folder.hear(recording, began):
                yield block
                if self._closed:
                    return

    def close(self) -> None:
        """End ``blocks`` with its next block; that recording is heard again another time."""
        self._closed = True


def _seconds_of(path: Path) -> float:
    """Measure how long a recording is: by its header, or by its sound where that does not say.

    One that cannot be read has no length here; why, is said when it is heard.
    """
    try:
        with open_sound(path) as sound:
            frames = sound.frames or sum(len(block) for block in sound_blocks(sound))
            return frames / sound.samplerate
    except ClipError:
        return 0.0


def _line(recording: Arrived) -> str:
    return json.dumps([recording.name, recording.size, recording.changed_ns]) + "\n"


def _read(memory: Path) -> set[Arrived]:
    """Read what was heard; a line that a power failure cut is none."""
    heard = set()
    try:
        lines = memory.read_text(encoding="utf-8", errors="replace").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return set()
    for line in lines:
        try:
            name, size, changed_ns = json.loads(line)
            heard.add(Arrived(str(name), int(size), int(changed_ns)))
        except (ValueError, TypeError):
            _log.warning("%s: a line is damaged; that recording is heard again", memory)
    return heard

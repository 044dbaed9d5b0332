"""Record a machine that is being enrolled: the ear of its source, until there is a detector.

    block ── judge of sound ── ten seconds without a gap ── measured ── Pieces
                          └── each second: how loud, told to the page

A listener hears into it as into an ``Ear``. No clock: times come with the sound.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Literal

import numpy as np

from rattle.clips.fitness import Fitness
from rattle.errors import RattleError
from rattle.listening.source import Block
from rattle.recipe.parts import Audio
from rattle.runtime.channel import mean_of, select_channel
from rattle.station.enrol.piece import Piece, Samples, measured
from rattle.station.enrol.pieces import Pieces
from rattle.station.hear.pieces import pieces as in_pieces
from rattle.station.hear.segment import level_dbfs

_log = logging.getLogger(__name__)

# What ends at a gap, as a recording of a watched folder does, is a piece from so much of one on.
SHORTEST = 0.8

State = Literal["connecting", "live", "lost", "ended", "full"]


@dataclass(frozen=True)
class Heard:
    """How the recording is at this moment: why it is so, and the level of the last second."""

    state: State = "connecting"
    reason: str = ""
    since: datetime | None = None
    level_db: float | None = None


class Recording:
    """Records one source of a machine; ``now`` says how it is, from any thread."""

    def __init__(
        self,
        name: str,
        pieces: Pieces,
        audio: Audio,
        *,
        piece_s: float,
        keeps_speech: bool,
        tell: Callable[[Heard, Piece | None], None],
    ) -> None:
        """``audio`` is what the encoder hears. ``tell`` hears what is new, a piece when it is one.

        Sound in which someone speaks is kept where ``keeps_speech`` says so, and never learnt from.
        """
        self._name, self._pieces, self._audio = name, pieces, audio
        self._piece_s, self._keeps_speech, self._tell = piece_s, keeps_speech, tell
        self._lock = Lock()
        self._coming: list[Samples] = []
        self._rate_hz = self._channels = self._waiting = self._judged = 0
        self._fitness: Fitness | None = None
        self._heard_until: datetime | None = None
        self.now = Heard()

    @property
    def name(self) -> str:
        """What its source is called."""
        return self._name

    def push(self, block: Block, at: datetime, lag_s: float = 0.0) -> None:
        """Hear the next block, whose last sample was at ``at`` (UTC)."""
        with self._lock:
            if self.now.state == "full":
                return
            for piece in in_pieces(block):
                self._push(piece.block, at - timedelta(seconds=block.seconds - piece.stop_s))

    def lost(self, reason: str, at: datetime) -> None:
        """Note that no sound comes, and why."""
        with self._lock:
            self._begin_anew()
            self._show("lost", reason, at)

    def failed(self, reason: str, at: datetime) -> None:
        """Begin anew after an error; counts as lost."""
        self.lost(reason, at)

    def ended(self, at: datetime) -> None:
        """Note that the source ended."""
        with self._lock:
            self._begin_anew()
            self._show("ended", "it was heard to its end", at)

    def waiting(self, reason: str, at: datetime) -> None:
        """Note that a watched folder has nothing at the moment."""
        with self._lock:
            self._begin_anew()
            self._show("live", reason, at)

    def stop(self) -> None:
        """Keep what was heard last: the station stops, or the recording does."""
        with self._lock:
            self._begin_anew()

    def _push(self, block: Block, at: datetime) -> None:
        samples = block.samples
        if block.gap or (block.sample_rate_hz, samples.shape[1]) != (self._rate_hz, self._channels):
            self._begin_anew()
            self._rate_hz, self._channels = block.sample_rate_hz, samples.shape[1]
        if self._fitness is None:
            self._fitness = Fitness(self._rate_hz)
        heard = select_channel(samples, self._audio.channel)
        self._fitness.push(heard)
        self._coming.append(samples)
        self._waiting += len(samples)
        self._show("live", "", at, level_db=level_dbfs(mean_of(heard)))
        length = round(self._piece_s * self._rate_hz)
        while self._waiting >= length and self.now.state != "full":
            every = np.concatenate(self._coming)
            self._coming, self._waiting = [every[length:]], len(every) - length
            self._piece(every[:length], at - timedelta(seconds=self._waiting / self._rate_hz))
        self._heard_until = at

    def _piece(self, samples: Samples, ends: datetime) -> None:
        """Keep a piece that ends then."""
        fitness = self._fitness
        assert fitness is not None  # noqa: S101
        begins = ends - timedelta(seconds=len(samples) / self._rate_hz)
        start_s = self._judged / self._rate_hz
        self._judged += len(samples)
        fault = fitness.fault(start_s, self._judged / self._rate_hz)
        piece = measured(samples, self._rate_hz, begins, fault, self._audio)
        is_kept = not piece.fault and (self._keeps_speech or not piece.has_speech)
        try:
            piece = self._pieces.add(piece, samples, self._rate_hz, keep=is_kept)
            refusal = self._pieces.refusal()
        except RattleError as error:
            _log.warning("%s: a piece of sound is not kept: %s", self.name, error)
            refusal = str(error)
        if refusal:
            self._show("full", refusal, piece.end)
        self._tell(self.now, piece)

    def _begin_anew(self) -> None:
        shortest = SHORTEST * self._piece_s * self._rate_hz
        if self._heard_until is not None and self.now.state != "full" and self._waiting >= shortest:
            self._piece(np.concatenate(self._coming), self._heard_until)
        self._coming, self._waiting, self._judged = [], 0, 0
        self._fitness = None

    def _show(
        self, state: State, reason: str, at: datetime, *, level_db: float | None = None
    ) -> None:
        before = self.now
        if before.state == "full":
            return
        is_same = (before.state, before.reason) == (state, reason)
        self.now = Heard(state, reason, before.since if is_same else at, level_db)
        self._tell(self.now, None)

"""Hear the demo's last day anew, in the background, since what is learnt is tried on stored sound.

What the encoder made of a day is 24 MB a machine, where the kit as a whole has 7; to make it anew
takes a core some minutes. It is the very sound that the kit's minutes are of.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select

from rattle.runtime.embedding_stream import EmbeddingStream
from rattle.runtime.scorer import Scorer
from rattle.scoring.budget.minutes import MINUTE_S
from rattle.scoring.budget.rule import Values
from rattle.station.config.model import Plant
from rattle.station.demo.kit import history_of
from rattle.station.demo.machines import MACHINES, SEED
from rattle.station.demo.sound import RATE_HZ, MachineSound
from rattle.station.records import Embeddings
from rattle.station.store import embedding_files
from rattle.station.store.database import open_database
from rattle.station.store.tables import MinuteRow, SourceRow

_log = logging.getLogger(__name__)

# A gate needs a day of sound; the hour in which the demo begins is left to what is heard live.
HOURS = 25
HOUR_S, BLOCK_S = 3600, 10
# Of machines that the kit heard for less there is no such day.
LEAST_S = (HOURS + 1) * HOUR_S
# Sound before the first minute that counts: a window and what the statistic takes.
BEFORE_S = 60
# Who listens comes first.
NICE = 10


@dataclass(frozen=True)
class Past:
    """A machine's sound before the demo began.

    ``began`` is when second 0 of its sound was, UTC seconds; ``until`` when the kit's minutes end.
    """

    source_id: str
    bundle: Path
    sound: MachineSound
    began: int
    until: int

    @property
    def hours(self) -> range:
        """The whole hours of its last day: when each begins, UTC seconds."""
        last = self.until // HOUR_S * HOUR_S
        return range(last - HOURS * HOUR_S, last, HOUR_S)


def hear_past(plant: Plant, stop: threading.Event) -> None:
    """Store what the encoder makes of the last day of machines that were heard for so long.

    Hours that are stored are left out, so it goes on where it was stopped. Raises ``StorageError``
    where they cannot be written.
    """
    if sys.platform == "linux":  # elsewhere it would be the whole process
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
    for past in _pasts(plant):
        if not _store(past, plant.data, stop):
            return
    _log.info("the day before is stored: what is learnt can be tried on it")


def _pasts(plant: Plant) -> list[Past]:
    pasts = []
    with closing(open_database(plant.database.get_secret_value(), plant.data)) as database:
        for machine, made in zip(plant.machine, MACHINES, strict=True):
            (source,) = machine.sources
            length_s = round(len(history_of(made.name)) * MINUTE_S)
            if length_s < LEAST_S:
                continue
            with database.reading() as session:
                source_id = session.scalars(
                    select(SourceRow.id).where(SourceRow.name == source.name)
                ).one()
                first: datetime | None = session.scalar(
                    select(func.min(MinuteRow.at)).where(MinuteRow.source_id == source_id)
                )
            if first is not None:
                began = round(first.timestamp()) - BEFORE_S
                sound = MachineSound(made.specimen, SEED)
                pasts.append(
                    Past(source_id, machine.bundle, sound, began, began + BEFORE_S + length_s)
                )
    return pasts


def _store(past: Past, data: Path, stop: threading.Event) -> bool:
    """Store a machine's hours; whether it came to the end."""
    scorer = Scorer.load(past.bundle)
    encoder = scorer.graph.identity
    begin, end = (datetime.fromtimestamp(at, UTC) for at in (past.hours[0], past.until))
    there = {
        round(hour.timestamp())
        for hour in embedding_files.hours(data, past.source_id, encoder, begin, end)
    }
    for hour in past.hours:
        if hour in there:
            continue
        stream = EmbeddingStream(scorer, sample_rate_hz=RATE_HZ)
        ends: list[Values] = []
        z: list[NDArray[np.float32]] = []
        for at in range(hour, hour + HOUR_S, BLOCK_S):
            if stop.is_set():
                return False
            since = at - past.began
            for embedded in stream.push(past.sound.between(since, since + BLOCK_S)):
                ends.append(hour + embedded.start_s + stream.window_s)
                z.append(embedded.z)
        stored = Embeddings(
            past.source_id, encoder, np.concatenate(ends), np.concatenate(z).astype(np.float16)
        )
        embedding_files.append(data, stored)
    return True

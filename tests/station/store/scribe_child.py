"""A station's scribe under load, to be killed; prints the id of each incident that is stored."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np

from made_up_heard import MINUTE, NOW, Heard
from rattle.station.ids import new_id
from rattle.station.records import IncidentChanged
from rattle.station.store import scribe as scribe_module
from rattle.station.store.database import open_database
from rattle.station.store.rows import Written
from rattle.station.store.scribe import Scribe
from rattle.station.store.sound_files import SoundFiles


def told(rows: list[Written]) -> None:
    for row in rows:
        if isinstance(row, IncidentChanged):
            sys.stdout.write(f"{row.id} {row.state}\n")
    sys.stdout.flush()


def main(url: str, folder: Path, number: int) -> None:
    scribe_module.EVERY_S = 0.01
    heard = Heard.of(database := open_database(url, folder))
    scribe = Scribe(database, SoundFiles(folder, "keep", spare_bytes=0), told)
    scribe.start()
    for place in count():
        at = NOW + (number * 100_000 + place) * MINUTE
        incident = replace(heard.incident(id=new_id(at)), opened=at, peak_at=at)
        sound = np.full((400, 1), place % 1000 / 1000, np.float32)
        scribe.put(incident)
        scribe.put(heard.stretch(incident, first=place, last=place))
        scribe.put(replace(heard.minute(place), at=at))
        scribe.put(replace(heard.clip(incident), samples=sound, start=at))
        scribe.put(heard.embeddings(place))
        scribe.put(replace(incident, state="ended", ended=at + MINUTE, level="alarm"))
        while scribe.writing.waiting > 200:
            time.sleep(0.002)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))

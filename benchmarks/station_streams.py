"""How many sources one core carries in a station, with everything that an ear does.

    python benchmarks/bench.py DATA --only station_streams

Real recordings, some after another for each source, a quarter of a second at a time as a
microphone gives them: fitness, level, score, budget, minutes, ring, embeddings, board. How well
the detector is trained does not change its work. What reads the sound (ffmpeg, a sound card) and
what writes records is not in it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import streams
from ratio import Ratio
from rattle import Recipe, export, fit
from rattle.clips.layouts import load_manifest
from rattle.listening.source import BLOCK_SECONDS, Block
from rattle.runtime import Scorer
from rattle.station.board import Board, MachineNow, SourceNow
from rattle.station.config.model import Machine
from rattle.station.events import Hub
from rattle.station.hear.ear import Ear, Outputs
from rattle.station.hear.in_use import InUse
from rattle.station.hear.operating import running_of
from rattle.station.judge.incidents import MachineIncidents
from rattle.station.judge.making import judge_of_source
from rattle.station.judge.source_judge import SourceJudge
from rattle.station.judge.troubles import SourceTroubles
from rattle.station.records import Record

TARGET = 300
ROUNDS = 3
BEGAN = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


def measure(data: Path) -> Iterator[Ratio]:
    """Sources a core carries: seconds of sound heard in a second by one thread."""
    with tempfile.TemporaryDirectory() as folder:
        scorer = exported(data, Path(folder))
    yield carried_by([scorer], data)


def exported(data: Path, folder: Path) -> Scorer:
    """A scorer of the recipe fleet."""
    recipe = Recipe.load("fleet").with_values(training={"iterations": 5})
    clips = load_manifest(data)
    path = folder / "station.rattle"
    export(fit(clips, clips.machines()[0], recipe=recipe, device="cpu")).save(path)
    return Scorer.load(path)


def carried_by(scorers: list[Scorer], data: Path) -> Ratio:
    """How many sources one core carries, of machines with these bundles in turns."""
    rate_hz = scorers[0].recipe.audio.sample_rate_hz
    heard = streams.sounds(data, rate_hz)
    of_each = [scorers[number % len(scorers)] for number in range(len(heard))]
    seconds = sum(map(len, heard)) / rate_hz
    carried, bare = [], []
    for _ in range(ROUNDS):
        told: list[Record] = []
        carried.append(seconds / busy_seconds(heard, ears(of_each, told), rate_hz))
        unjudged = [streams.Unjudged(scorer).push for scorer in of_each]
        bare.append(seconds / streams.busy_seconds(heard, unjudged, rate_hz))
    sessions = len({id(scorer.graph) for scorer in scorers})
    return Ratio(
        "sources one core carries in a station with the recipe fleet",
        float(np.median(carried)),
        TARGET,
        f"{len(heard)} sources of {seconds / len(heard):.0f} s in turns, {len(scorers)} bundles, "
        f"{sessions} sessions; their scores alone {np.median(bare):.0f}",
    )


def ears(scorers: list[Scorer], told: list[Record]) -> list[Ear]:
    """A machine with one source for each scorer, running by level."""
    board, hub = Board(), Hub()
    hub.subscribe(lambda: None)
    made = []
    for number, scorer in enumerate(scorers):
        name = f"machine {number}"
        source = {"name": f"source {number}", "url": "rtsp://camera"}
        values = {"bundle": "of.rattle", "running": "by level", "running_above_dbfs": -90.0}
        machine = Machine.model_validate({"name": name, "sources": [source], **values})
        now = SourceNow(str(number), source["name"], name, "url", "rtsp://camera")
        board.add(MachineNow(name, name, 1.0, machine.running, "release", (now,)))
        incidents = MachineIncidents(name, tell=told.append, board=board, hub=hub)
        judge = judge_of_source(scorer, machine)
        made.append(
            Ear(
                now.id,
                name,
                InUse("release", scorer),
                SourceJudge(now.id, "release", judge, incidents, tell=told.append),
                running_of(machine, scorer),
                SourceTroubles(now.id, name, tell=told.append),
                Outputs(told.append, board, hub),
            )
        )
    return made


def busy_seconds(sounds: list[NDArray[np.float32]], ears: list[Ear], rate_hz: int) -> float:
    """CPU seconds of hearing all sources' sound in turns, a quarter of a second at a time."""
    step = round(BLOCK_SECONDS * rate_hz)
    began = time.process_time()
    for start in range(0, max(map(len, sounds)), step):
        at = BEGAN + timedelta(seconds=(start + step) / rate_hz)
        for sound, ear in zip(sounds, ears, strict=True):
            if start < len(sound):
                ear.push(Block(sound[start : start + step], rate_hz), at)
    return time.process_time() - began

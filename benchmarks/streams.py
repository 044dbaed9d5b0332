"""How many live streams one core carries with the small recipe."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from ratio import Ratio
from rattle import Recipe, export, fit
from rattle.clips.layouts import load_manifest
from rattle.listening.hops import JudgedStream
from rattle.listening.source import BLOCK_SECONDS, Block
from rattle.runtime import Scorer, Stream

STREAMS, CLIPS_A_STREAM = 20, 6


def exported(data: Path, folder: Path) -> Scorer:
    """A scorer of the small recipe; how well it is trained does not change its work."""
    recipe = Recipe.load("small").with_values(training={"iterations": 5})
    clips = load_manifest(data)
    path = folder / "streams.rattle"
    export(fit(clips, clips.machines()[0], recipe=recipe, device="cpu")).save(path)
    return Scorer.load(path)


def sounds(data: Path, rate_hz: int) -> list[NDArray[np.float32]]:
    """Real recordings, some after another for each stream."""
    paths = sorted(data.glob("*/test/*"))
    # Evenly over all machines.
    some_paths = iter(paths[:: max(len(paths) // (STREAMS * CLIPS_A_STREAM), 1)])
    found = []
    while len(found) < STREAMS and (some := list(islice(some_paths, CLIPS_A_STREAM))):
        clips = [sf.read(path, dtype="float32", always_2d=True) for path in some]
        assert all(rate == rate_hz for _, rate in clips)
        found.append(np.concatenate([clip[:, :1] for clip, _ in clips]))
    return found


class Unjudged:
    """A stream whose sound nobody looks at."""

    def __init__(self, scorer: Scorer) -> None:
        self._stream = Stream(scorer)

    def push(self, block: Block) -> object:
        return self._stream.push(block.samples)


def busy_seconds(
    sounds: list[NDArray[np.float32]], push: list[Callable[[Block], object]], rate_hz: int
) -> float:
    """CPU seconds of pushing all streams' sound in turns, a quarter of a second at a time."""
    step = round(BLOCK_SECONDS * rate_hz)
    longest = max(map(len, sounds))
    began = time.process_time()
    for start in range(0, longest, step):
        for sound, take in zip(sounds, push, strict=True):
            if start < len(sound):
                take(Block(sound[start : start + step], rate_hz))
    return time.process_time() - began


def measure(data: Path) -> Iterator[Ratio]:
    """Seconds of sound scored in a second by one thread: so many live streams keep pace."""
    with tempfile.TemporaryDirectory() as folder:
        scorer = exported(data, Path(folder))
    yield carried_by([scorer], data, "small", 100)


def carried_by(scorers: list[Scorer], data: Path, recipe: str, target: float) -> Ratio:
    """How many streams one core carries, of the scorers in turns."""
    rate_hz = scorers[0].recipe.audio.sample_rate_hz
    heard = sounds(data, rate_hz)
    of_each = [scorers[number % len(scorers)] for number in range(len(heard))]
    seconds = sum(map(len, heard)) / rate_hz
    carried, bare = [], []
    for _ in range(3):
        judged = [JudgedStream(scorer, rate_hz).push for scorer in of_each]
        carried.append(seconds / busy_seconds(heard, judged, rate_hz))
        unjudged = [Unjudged(scorer).push for scorer in of_each]
        bare.append(seconds / busy_seconds(heard, unjudged, rate_hz))
    return Ratio(
        f"streams one core carries with the recipe {recipe}",
        float(np.median(carried)),
        target,
        f"{len(heard)} streams of {seconds / len(heard):.0f} s in turns, a window a second, their "
        f"sound judged as rattle listen does; without that {np.median(bare):.0f}",
    )

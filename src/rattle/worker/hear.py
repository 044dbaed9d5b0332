"""Say what two encoders make of the same sound, for the gate; and find what stood out in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from rattle.errors import ClipError
from rattle.runtime.recording import embed_recording
from rattle.runtime.scorer import Scorer
from rattle.runtime.stream import WindowScores
from rattle.scoring.clip import Embedded

EXCERPT_S = 10.0


def hear(
    old: Scorer, new: Scorer, files: Mapping[str, Path], to: Path, told: Callable[[float], None]
) -> int:
    """Write what both make of files, by their names, and give how many that were.

    ``told`` hears which share is done. What cannot be read, or is shorter than a window of either,
    is left out.
    """
    names, counts = [], []
    ends, of_old, of_new = [np.empty(0)], [_none(old)], [_none(new)]
    for place, (name, path) in enumerate(files.items()):
        told(place / len(files))
        try:
            (ends_s, by_old), (_, by_new) = embed_recording(old, path), embed_recording(new, path)
        except ClipError:
            continue
        count = min(len(by_old), len(by_new))
        if count:
            names.append(name)
            counts.append(count)
            ends.append(ends_s[:count])
            of_old.append(by_old[:count])
            of_new.append(by_new[:count])
    with to.open("wb") as file:
        np.savez(
            file,
            encoder=np.array(old.graph.identity),
            names=np.array(names, dtype=np.str_),
            counts=np.array(counts, dtype=np.int64),
            ends_s=np.concatenate(ends),
            old=np.concatenate(of_old),
            new=np.concatenate(of_new),
        )
    return len(names)


def excerpt(scorer: Scorer, path: Path, begin_s: float, end_s: float, to: Path) -> None:
    """Write the ten seconds of a recording that stand out most, of those ``begin_s`` to ``end_s``.

    The whole recording where it is no longer. Raises ``ClipError`` where it cannot be read.
    """
    ends, z = embed_recording(scorer, path)
    window_s = scorer.recipe.features.window_samples / scorer.recipe.audio.sample_rate_hz
    try:
        samples, rate = sf.read(path, dtype="float32", always_2d=True)
    except (OSError, sf.LibsndfileError) as error:
        raise ClipError(f"{path}: cannot be read ({error})") from None
    length = round(EXCERPT_S * rate)
    # A window that ends before the incident began has nothing of it.
    inside = np.flatnonzero((ends >= begin_s) & (ends <= max(end_s + EXCERPT_S, begin_s)))
    first = 0
    if len(inside):
        windows = WindowScores(scorer).of(Embedded(ends - window_s, z.astype(np.float32)), window_s)
        highest = max(inside, key=lambda place: windows[place].score)
        centre = (ends[highest] - window_s / 2) * rate
        first = round(min(max(centre - length / 2, 0), max(len(samples) - length, 0)))
    sf.write(to, samples[first : first + length], rate, format="FLAC", subtype="PCM_24")


def _none(scorer: Scorer) -> NDArray[np.float16]:
    return np.empty((0, scorer.head.dimensions), np.float16)

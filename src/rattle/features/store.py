"""Keep features on disk: computed once, memory-mapped, shared by every run.

A folder of packs. A pack holds the features of a list of clips (usually a machine's split) one
after another, ``frames`` of shape ``[F, width]``, and where each clip starts in it. Log-mels alone
are kept in single precision; with samples beside them in half, for half the disk and half the
reading. Its name is a hash of the clips' contents, the audio and feature settings and the amplitude
statistics, so that an entry is never stale. A pack is written in a folder beside and renamed when
complete: two processes that fill the same one write the same bytes, and a killed one leaves only a
temporary folder, which the next one removes.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from rattle.ahead import map_ahead
from rattle.atomic import replacing_folder, write_text
from rattle.clips.amplitude import Amplitude, amplitude
from rattle.clips.clip import Clip
from rattle.clips.manifest import Manifest
from rattle.cores import readers
from rattle.errors import DataError
from rattle.features.facts import Facts
from rattle.features.front_end import FrontEnd
from rattle.features.views import Rows
from rattle.recipe import Recipe
from rattle.recipe.parts import Audio, Features
from rattle.synthetic import detuned

# Names the store's folder.
STORE = "RATTLE_STORE"
# Raised when the front end's output changes for the same settings, or what is judged of a clip.
PACK_VERSION = 3
FRAMES = "frames"
# The largest number in half precision; what is louder than so many deviations is that loud.
HALF = 65504.0
# Threads that read clips and compute their features.
WORKERS = readers()


def default_folder() -> Path:
    """Find the store's folder: ``$RATTLE_STORE``, else in the user's cache folder."""
    chosen = os.environ.get(STORE)
    return Path(chosen) if chosen else platformdirs.user_cache_path("rattle") / "features"


@dataclass(frozen=True)
class Pack:
    """Features of a list of clips; ``pack[i]`` is clip i's ``[T_i, width]``, read when touched."""

    frames: Rows
    starts: NDArray[np.int64]
    mapped: mmap.mmap | None = None

    def let_go(self) -> None:
        """Give back the memory of what was touched; it stays in the system's cache of the file.

        Forty machines' packs take more than there may be, and pages that were touched count as the
        process's own until the system is short of them.
        """
        if self.mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
            self.mapped.madvise(mmap.MADV_DONTNEED)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, index: int) -> Rows:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.frames[self.starts[index] : self.starts[index + 1]]

    def __iter__(self) -> Iterator[Rows]:
        return (self[index] for index in range(len(self)))


class FeatureStore:
    """Features and amplitude statistics on disk under ``folder``, for one set of settings."""

    def __init__(
        self,
        audio: Audio,
        features: Features,
        folder: Path | None = None,
        *,
        has_samples: bool = False,
    ) -> None:
        self.audio = audio
        self.features = features
        self.folder = folder or default_folder()
        self.front_end = FrontEnd(audio, features, has_samples=has_samples)
        self._facts: dict[str, Facts] = {}

    @classmethod
    def of(cls, recipe: Recipe) -> FeatureStore:
        """Open the store for a recipe's features."""
        return cls(recipe.audio, recipe.features, has_samples=recipe.sees_spectrum)

    @property
    def dtype(self) -> type[np.floating]:
        """In what precision the features are kept."""
        return np.float16 if self.front_end.has_samples else np.float32

    def facts(self, clips: Manifest) -> list[Facts]:
        """Get what is known of each clip as it was recorded; judged once, then read from disk."""
        hashes = clips.hashes()
        if not self._facts.keys() >= set(hashes):
            path = self.folder / f"{self._key('facts', clips, _reading_of(self.audio))}.json"
            facts = _stored_facts(path)
            if facts is None:
                read = self.front_end.facts
                judged = map_ahead(lambda clip: read(clip.path, clip.excerpt), clips, WORKERS)
                facts = list(judged)
                write_text(path, json.dumps([asdict(of) for of in facts]))
            self._facts |= zip(hashes, facts, strict=True)
        return [self._facts[hash_] for hash_ in hashes]

    def amplitude(self, clips: Manifest) -> Amplitude:
        """Get the statistics of these clips together; computed once, then read from disk."""
        key = self._key("amplitude", clips, _reading_of(self.audio))
        path = self.folder / f"{key}.json"
        if path.exists():
            return Amplitude(**json.loads(path.read_text()))
        statistics = amplitude(of.moments for of in self.facts(clips))
        write_text(path, json.dumps(asdict(statistics)))
        return statistics

    def pack(
        self,
        clips: Manifest,
        statistics: Amplitude,
        on_clip: Callable[[], None] = lambda: None,
        *,
        speed: float = 1.0,
    ) -> Pack:
        """Get the clips' features in their order; ``on_clip`` is called for each one computed.

        With a ``speed`` other than 1 they are the features of the clips played at it.
        """
        if not len(clips):
            raise DataError("no clips to compute features of")
        settings = {
            **_reading_of(self.audio),
            **self.features.model_dump(exclude={"window_frames"}),
            **asdict(statistics),
            "speed": speed,
        }
        kind = "samples" if self.front_end.has_samples else "log-mel"
        folder = self.folder / self._key(kind, clips, settings)
        pack = self._open(folder)
        if pack is None:
            with replacing_folder(folder) as beside:
                self._fill(beside, clips, statistics, on_clip, speed)
            pack = self._open(folder)
        if pack is None:
            raise DataError(f"{folder} cannot be read back; delete it and look at the disk")
        return pack

    def _open(self, folder: Path) -> Pack | None:
        """Open the pack in ``folder``; None where there is none, or not all of it.

        A rename that outlived a power failure may stand before files that did not.
        """
        if not folder.exists():
            return None
        try:
            starts = np.load(folder / "starts.npy", allow_pickle=False)
            with (folder / FRAMES).open("rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            shape = (int(starts[-1]), self.front_end.width)
            frames = np.frombuffer(mapped, self.dtype).reshape(shape)
            return Pack(frames, starts, mapped)
        except (FileNotFoundError, EOFError, ValueError):
            shutil.rmtree(folder)
            return None

    def _key(self, kind: str, clips: Manifest, settings: dict[str, object]) -> str:
        contents = clips.hashes()
        text = json.dumps([PACK_VERSION, kind, settings, contents], sort_keys=True)
        return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:32]}"

    def _fill(
        self,
        folder: Path,
        clips: Manifest,
        statistics: Amplitude,
        on_clip: Callable[[], None],
        speed: float,
    ) -> None:
        def features(clip: Clip) -> Rows:
            samples = self.front_end.read(clip.path, clip.excerpt)
            if speed != 1.0:
                rate = self.audio.sample_rate_hz
                samples = detuned(samples, speed, sample_rate_hz=rate)
            rows = self.front_end.features(samples, statistics)
            return np.clip(rows, -HALF, HALF).astype(self.dtype, copy=False)

        starts = [0]
        with (folder / FRAMES).open("wb") as file:
            for frames in map_ahead(features, clips, WORKERS):
                file.write(frames.data)
                starts.append(starts[-1] + len(frames))
                on_clip()
        np.save(folder / "starts.npy", np.array(starts, dtype=np.int64))


def _stored_facts(path: Path) -> list[Facts] | None:
    """Read what was judged before; None where it was not, or not all of it is there."""
    try:
        return [Facts.restored(of) for of in json.loads(path.read_text())]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _reading_of(audio: Audio) -> dict[str, object]:
    # Whose statistics an outlier gets is already in the statistics.
    return audio.model_dump(exclude={"amplitude"})

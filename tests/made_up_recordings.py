"""Write short recordings, each with another sound."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import soundfile as sf

FORMATS = {".mp3": "MP3", ".ogg": "OGG"}


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = np.random.default_rng(zlib.crc32(name.encode())).uniform(-0.1, 0.1, 1600)
        sf.write(path, samples, 16_000, format=FORMATS.get(path.suffix))

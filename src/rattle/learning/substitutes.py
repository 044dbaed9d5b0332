"""Make substitute outliers, for a site with a single machine and no other sound at hand."""

from __future__ import annotations

import hashlib
from pathlib import Path

from rattle.ahead import map_ahead
from rattle.atomic import replacing_folder
from rattle.clips.clip import Clip
from rattle.clips.layouts import load_manifest
from rattle.clips.manifest import Manifest
from rattle.clips.reading import read_clip
from rattle.clips.writing import write_wav
from rattle.randomness import SUBSTITUTE, stream
from rattle.recipe.parts import Audio
from rattle.synthetic import transform, write_factory

TRANSFORMED_CLIPS = 200
FACTORY_CLIPS = 12
FACTORY_IDS = 2
# Raised when the substitutes made of the same clips change.
SUBSTITUTES_VERSION = 2
WORKERS = 2


def substitute_clips(normals: Manifest, audio: Audio, folder: Path) -> Manifest:
    """Make clips that are not the machine: its own normals transformed, and synthetic machines.

    Made once under ``folder`` for a set of normals, beside and then renamed. They are a makeshift:
    what separates them from real sound need not be what separates a fault from it.
    """
    contents = repr([SUBSTITUTES_VERSION, audio.model_dump(), normals.hashes()])
    key = hashlib.sha256(contents.encode()).hexdigest()[:32]
    made = folder / f"substitutes-{key}"
    if not made.exists():
        with replacing_folder(made) as beside:
            _make(beside, normals, audio)
    parts = [load_manifest(made / "transformed"), load_manifest(made / "synthetic")]
    return Manifest.from_clips(clip for part in parts for clip in part)


def _make(folder: Path, normals: Manifest, audio: Audio) -> None:
    _write_transformed(normals, audio, folder / "transformed" / "train")
    write_factory(
        folder / "synthetic",
        ids_per_type=FACTORY_IDS,
        train_clips=FACTORY_CLIPS,
        test_normal=0,
        test_anomaly=0,
        sample_rate_hz=audio.sample_rate_hz,
    )


def _write_transformed(normals: Manifest, audio: Audio, folder: Path) -> None:
    folder.mkdir(parents=True)
    clips = list(normals)

    def write(number: int) -> None:
        clip: Clip = clips[number % len(clips)]
        samples = read_clip(
            Path(clip.path),
            sample_rate_hz=audio.sample_rate_hz,
            channel=audio.channel,
            excerpt=clip.excerpt,
        )
        other = transform(
            samples, sample_rate_hz=audio.sample_rate_hz, rng=stream(0, SUBSTITUTE, number)
        )
        # Float samples: a transformed clip may peak above full scale.
        write_wav(folder / f"{number:04}.wav", other, audio.sample_rate_hz)

    for _ in map_ahead(write, range(TRANSFORMED_CLIPS), WORKERS):
        pass

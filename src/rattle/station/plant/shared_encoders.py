"""Find the encoders that machines of the plant share, on which a further one can be enrolled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rattle.clips.cutting import clip_seconds
from rattle.errors import DataError
from rattle.station.enrol.now import Encoder
from rattle.station.plant.releases import Release


def encoders_of(releases: Mapping[str, Release]) -> list[Encoder]:
    """List them, that of most machines first; ``releases`` are by the machine's name."""
    of: dict[str, list[str]] = {}
    for name, release in releases.items():
        if release.scorer.recipe.is_shared:
            of.setdefault(release.encoder, []).append(name)
    found = []
    for encoder, names in of.items():
        recipe = releases[names[0]].scorer.recipe
        paths = dict.fromkeys(releases[name].path for name in names)
        found.append(
            Encoder(encoder, tuple(names), tuple(paths), recipe.audio, clip_seconds(recipe))
        )
    return sorted(found, key=lambda each: -len(each.machines))


def encoder_of(encoders: Sequence[Encoder], id_: str) -> Encoder:
    """Choose one by its id, the first where none is given; ``DataError`` where there is none."""
    if not encoders:
        raise DataError(NO_ENCODER)
    found = encoders[0] if not id_ else next((each for each in encoders if each.id == id_), None)
    if found is None:
        raise DataError(
            f"no machine of this plant has the encoder {id_[:12]} any more; choose another one"
        )
    return found


NO_ENCODER = (
    "no machine of this plant has a detector on an encoder that others share, on which a new one "
    "could be enrolled; train several machines together, as one fleet, and name their bundles in "
    "plant.toml"
)

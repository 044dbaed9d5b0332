"""Hear the recordings that a new machine's head is fitted to: judge, measure, embed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rattle.bundle.known import KnownClip, Named
from rattle.clips.amplitude import Moments
from rattle.clips.content import content_hash
from rattle.clips.hearing import hear
from rattle.clips.recorder import Traits
from rattle.errors import DataError
from rattle.recipe import Recipe
from rattle.runtime.scorer import Scorer
from rattle.scoring.head import centre_windows
from rattle.scoring.windows import several_windows

# Told how many of how many recordings were embedded.
OnDone = Callable[[int, int], None]


@dataclass(frozen=True)
class HeardClip:
    """A recording: its name, and what was measured before it was embedded."""

    path: Path
    clip: Named
    moments: Moments
    traits: Traits


@dataclass(frozen=True)
class EmbeddedClip:
    """A recording's windows: those by which it is scored, and those by which it is known."""

    scored: KnownClip
    known: KnownClip


def fit_to_learn_from(recordings: Sequence[Path], recipe: Recipe) -> list[HeardClip]:
    """Judge recordings and measure those that are fit; the same sound counts once."""
    found: dict[str, HeardClip] = {}
    for path in recordings:
        heard = hear(path, recipe.audio)
        if heard.judgement.fault_to_learn_from or not len(heard.samples):
            continue
        clip = Named.of(content_hash(path), path)
        found.setdefault(clip.hash, HeardClip(path, clip, Moments.of(heard.samples), heard.traits))
    least = recipe.training.minimum_normals
    if len(found) < least:
        raise DataError(
            f"{len(found)} of {len(recordings)} recordings are fit to be learnt from, and {least} "
            "are needed; record more of the machine's healthy sound"
        )
    return list(found.values())


def embedded_each(
    heard: Sequence[HeardClip], ear: Scorer, on_done: OnDone
) -> Iterator[EmbeddedClip]:
    """Embed recordings by an encoder, which is given the machine's amplitude."""
    recipe = ear.recipe
    count = centre_windows(len(heard), recipe)
    for done, each in enumerate(heard, start=1):
        samples = hear(each.path, recipe.audio).samples
        scored = KnownClip(each.clip, ear.embed(samples).z)
        known = scored
        if recipe.measures_nearest:
            frames = 1 + len(samples) // recipe.features.hop_samples
            known = KnownClip(
                each.clip, ear.embed(samples, several_windows(frames, recipe, count)).z
            )
        yield EmbeddedClip(scored.shortened(), known.shortened())
        on_done(done, len(heard))

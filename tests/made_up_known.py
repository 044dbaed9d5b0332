"""A machine in a space of few dimensions: what a bundle keeps of it, and the head trained on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rattle.bundle.known import Embeddings, Known, KnownClip, Named, stacked
from rattle.bundle.schema import BundleInfo, HeldOut, Provenance
from rattle.clips.amplitude import Amplitude
from rattle.recipe import Recipe
from rattle.runtime.refit import Fitted, refit
from rattle.scoring.head import Head, nearest_of
from rattle.scoring.head_fit import fit_posterior

D = 8


@dataclass(frozen=True)
class MadeUp:
    """A trained head and what it was trained on."""

    recipe: Recipe
    head: Head
    known: Known

    def refit(self, known: Known, *silenced: KnownClip, head: Head | None = None) -> Fitted:
        """Fit the head anew, or another one, with some clips called normal."""
        hashes = [clip.hash for clip in silenced]
        return refit(head or self.head, known, self.recipe, 0.5, hashes)

    def info(self, fitted: Fitted) -> BundleInfo:
        """What the bundle of a fitted head states."""
        return BundleInfo(
            machine="fan/id_00",
            recipe=self.recipe,
            amplitude=Amplitude(0.0, 1.0),
            alpha=fitted.mix.alpha,
            alpha_origin="the recipe's default",
            scale=fitted.mix.scale,
            held_out=HeldOut.of_each(fitted.held_out),
            cross_fitted=fitted.crossed,
            silenced=HeldOut.of_each(fitted.silenced),
            golden=(),
            provenance=Provenance(
                created="2026-01-01T00:00:00+00:00",
                rattle="0",
                torch="0",
                seed=0,
                data_hash="0",
                trained=tuple(clip.hash for clip in self.known.normals),
                held_out=tuple(clip.hash for clip in self.known.held_out),
                silenced=fitted.quiet,
                outliers="others",
                outliers_substitute=False,
            ),
        )


def clips_at(
    where: float, count: int, seed: int, *, windows: int = 3, faulty: float = 0.0
) -> tuple[KnownClip, ...]:
    """Clips around a place on the diagonal; a fault lies off it, in the first dimension."""
    rng = np.random.default_rng(seed)

    def embeddings() -> Embeddings:
        z = where + rng.normal(0, 0.05) + rng.normal(0, 0.2, (windows, D))
        z[:, 0] -= faulty
        return z.astype(np.float32)

    return tuple(
        KnownClip(Named(f"{1000 * seed + n:064x}", f"{seed}-{n}.wav"), embeddings())
        for n in range(count)
    )


def made_up(method: str, *, nearest: bool = True) -> MadeUp:
    """A machine whose normals lie at 1 and whose outliers at -1, by a loss."""
    recipe = Recipe.load("fleet").for_method(method)  # type: ignore[arg-type]
    recipe = recipe.with_values(scoring={"distance": "nearest" if nearest else "centroid"})
    normals, outliers = clips_at(1, 20, seed=1), stacked(clips_at(-1, 20, seed=2), D)
    z = stacked(normals, D)
    weight, bias = fit_posterior(z, outliers) if recipe.has_posterior else (None, None)
    centres = None
    if recipe.measures_nearest:
        centres = nearest_of(z)
    elif recipe.has_distance:
        # What training makes of c is near the normals' mean, and not that mean.
        centres = (z.mean(axis=0, keepdims=True) + 0.1).astype(np.float32)
    start = {} if weight is None or bias is None else {"weight": weight, "bias": bias}
    head = Head(weight, bias, centres, recipe.loss.distance, recipe.distance_pieces)
    return MadeUp(
        recipe,
        head,
        Known(normals=normals, held_out=clips_at(1, 8, seed=3), outliers=outliers, start=start),
    )

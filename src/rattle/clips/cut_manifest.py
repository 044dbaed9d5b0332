"""Cut the long recordings of a manifest that are learnt from as healthy or as outliers."""

from __future__ import annotations

from collections.abc import Collection

from rattle.clips.cutting import excerpts, parts_of
from rattle.clips.manifest import Manifest
from rattle.recipe import Recipe


def cut_to_train(clips: Manifest, recipe: Recipe, *, whole: Collection[str] = ()) -> Manifest:
    """Cut the long training normals; all other clips pass, and those of the hashes ``whole``."""
    return _cut(clips, recipe, clips.of(split="train", label="normal"), whole)


def cut_outliers(outliers: Manifest, recipe: Recipe) -> Manifest:
    """Select the normal clips of recordings that serve as outliers, the long ones cut."""
    normals = outliers.of(label="normal")
    return _cut(normals, recipe, normals, ())


def _cut(clips: Manifest, recipe: Recipe, chosen: Manifest, whole: Collection[str]) -> Manifest:
    cut = {
        clip.path: parts_of(clip, places)
        for clip in chosen
        for places in [excerpts(clip, recipe)]
        if places and clip.content_hash not in whole
    }
    if not cut:
        return clips
    return Manifest.from_clips(part for clip in clips for part in cut.get(clip.path, [clip]))

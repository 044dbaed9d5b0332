"""Adapt a detector by its head alone: a few labelled clips, a second, and no torch.

The encoder stays as it is, and is still that of all machines which share it. New clips are embedded
once; the head is fitted anew to their embeddings and to those that the bundle keeps (``refit``).
Their features join the replay set, so that the encoder can learn from them later. What was embedded
before, as a station has it, needs no sound (``learn_labelled``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from rattle.bundle.file import Bundle, read_bundle, write_bundle
from rattle.bundle.given import given_clips
from rattle.bundle.known import Known, KnownClip, Named
from rattle.bundle.labels import check_labels, kept_from_training, relabelled, silenced_by
from rattle.bundle.replay import ByHash, Replay, Rows, alternating, replay_frames
from rattle.bundle.schema import SCHEMA_VERSION, BundleInfo, GoldenScore, HeldOut, Provenance
from rattle.clips.clip import Clip
from rattle.clips.hearing import Heard
from rattle.clips.pcm16 import from_16_bit
from rattle.clips.recorder import Traits
from rattle.clips.several import check_list
from rattle.diagnosis.reference import Reference
from rattle.errors import DataError
from rattle.recipe import Recipe
from rattle.runtime.carry import crossed_without
from rattle.runtime.change import Change, change_of_head
from rattle.runtime.clip_scorer import Recording, decision_of
from rattle.runtime.refit import Fitted, Way, refit, way
from rattle.runtime.scorer import Scorer
from rattle.scoring.clip import Embedded, clip_score
from rattle.scoring.head import Head
from rattle.version import VERSION


class Ear(Protocol):
    """What hears clips as a bundle's encoder does: ``Scorer`` without torch, ``Detector`` with."""

    def heard(self, clip: Recording) -> Heard: ...

    def embed(self, samples: NDArray[np.float32]) -> Embedded: ...

    def features(self, samples: NDArray[np.float32]) -> NDArray[np.float32]: ...


@dataclass(frozen=True)
class AdaptedHead:
    """A bundle with a new head, and what changed by it."""

    bundle: Bundle
    change: Change

    def save(self, path: str | Path) -> None:
        """Write the bundle: beside, then renamed."""
        write_bundle(self.bundle, Path(path))


def learn(
    path: str | Path,
    anomalies: Sequence[str | Path],
    *,
    normals: Sequence[str | Path] = (),
    seed: int | None = None,
) -> AdaptedHead:
    """Adapt the head of the bundle at ``path``, by its graph; see ``adapt_head``.

    ``anomalies`` and ``normals`` are recordings or folders of them, as ``given_clips`` takes them.
    """
    check_list(anomalies, "anomalies", "worn.wav")
    check_list(normals, "normals", "healthy.wav")
    bundle = read_bundle(Path(path))
    given = (
        given_clips(bundle.info, paths, label, bundle.replay.outliers)
        for paths, label in ((anomalies, "anomaly"), (normals, "normal"))
    )
    return adapt_head(bundle, Scorer.load(path), *given, seed=seed)


def adapt_head(
    bundle: Bundle,
    ear: Ear,
    anomalies: Sequence[Clip],
    normals: Sequence[Clip] = (),
    *,
    seed: int | None = None,
) -> AdaptedHead:
    """Fit a bundle's head to a few labelled clips of its machine; alpha and encoder stay.

    ``ear`` is that bundle opened to score. ``seed`` decides which of the normals are kept for the
    threshold; the bundle's own by default. Raises ``DataError`` where there is nothing to learn
    from or nothing that could learn, ``ClipError`` where a clip cannot be read.
    """
    info = bundle.info
    check_labels(info, _paths(anomalies), _paths(normals))
    _check_head(bundle, bool(anomalies))
    frames = replay_frames(info.recipe)
    heard = [[_heard(ear, clip, frames) for clip in clips] for clips in (anomalies, normals)]
    return learn_labelled(bundle, ear, *heard, seed=seed)


def learn_labelled(
    bundle: Bundle,
    ear: Ear,
    anomalies: Sequence[Labelled],
    normals: Sequence[Labelled] = (),
    *,
    seed: int | None = None,
    part: float | None = None,
) -> AdaptedHead:
    """Fit a bundle's head to clips that are embedded already; else as ``adapt_head``.

    ``part`` says how far it goes (``refit``).
    """
    info = bundle.info
    told = _Told.of(bundle, anomalies, normals, seed)
    head, known, silenced, right = told.head, told.known, told.silenced, [*told.right]
    # So small a problem is solved several times as fast by one thread, above all on a busy machine.
    with threadpool_limits(1):
        crossed = crossed_without(info, told.wrong)
        fitted = refit(head, known, info.recipe, info.alpha, silenced, crossed, part)
        change = change_of_head(info, head, known, fitted, silenced)
    heard = {clip.known.hash: clip for clip in (*anomalies, *normals)}
    sounds = {hash_: clip.sound for hash_, clip in heard.items() if clip.sound is not None}
    rows = {hash_: sound.rows for hash_, sound in sounds.items()}
    replay = told.kinds.replay(bundle.replay, rows)
    healthy = [sounds[hash_].traits for hash_ in right if hash_ in sounds]
    new_info = _info(
        info, fitted, healthy, _provenance(bundle, told.kinds, right, fitted, told.seed)
    )
    adapted = Bundle(
        info=_with_golden(new_info, bundle, ear, fitted),
        learnt={**bundle.learnt, "head": fitted.head.arrays()},
        golden=bundle.golden,
        known=known,
        replay=replay.bounded(info.recipe.adaptation.replay_clips, replay_frames(info.recipe)),
        reference=_reference(bundle, sounds, [*told.wrong], right),
        graph=bundle.graph,
    )
    return AdaptedHead(adapted, change)


def way_of(bundle: Bundle, anomalies: Sequence[Labelled], normals: Sequence[Labelled]) -> Way:
    """Find where labelled clips may take a bundle's head, as ``learn_labelled`` would."""
    info = bundle.info
    told = _Told.of(bundle, anomalies, normals, None)
    with threadpool_limits(1):
        return way(told.head, told.known, info.recipe, info.alpha, told.silenced)


@dataclass(frozen=True)
class Sound:
    """What else a bundle keeps of a clip: features ``rows``, and what tells how it sounds."""

    rows: Rows
    samples: NDArray[np.float32]
    traits: Traits


@dataclass(frozen=True)
class Labelled:
    """A clip that someone labelled, embedded; ``sound`` is None where it is not at hand."""

    known: KnownClip
    sound: Sound | None = None


def _heard(ear: Ear, clip: Clip, frames: int) -> Labelled:
    heard = ear.heard(clip)
    samples = heard.samples
    z = ear.embed(samples).z
    rows = ear.features(samples)[:frames]
    return Labelled(
        KnownClip(Named.of(clip.content_hash, clip.name, clip.attributes), z),
        Sound(rows, samples, heard.traits),
    )


@dataclass(frozen=True)
class _Told:
    """All that is known of a bundle's machine with the clips given; names by their hashes."""

    head: Head
    known: Known
    kinds: _Kinds
    wrong: Mapping[str, str]
    right: Mapping[str, str]
    silenced: Sequence[str]
    seed: int

    @classmethod
    def of(
        cls,
        bundle: Bundle,
        anomalies: Sequence[Labelled],
        normals: Sequence[Labelled],
        seed: int | None,
    ) -> _Told:
        """Raises as ``adapt_head``."""
        info = bundle.info
        wrong, right = _names(anomalies), _names(normals)
        check_labels(info, wrong, right)
        _check_head(bundle, bool(anomalies))
        head = Head.restored(bundle.learnt["head"], info.recipe)
        seed = info.provenance.seed if seed is None else seed
        kept = kept_from_training(info, [*right], seed)
        kinds = _Kinds([hash_ for hash_ in right if hash_ not in kept], sorted(kept), [*wrong])
        known = kinds.known(
            _with_start(bundle.known, head, info.recipe),
            {clip.known.hash: clip.known for clip in (*anomalies, *normals)},
        )
        _check_normals(known)
        silenced = silenced_by(info.provenance, right, wrong)
        return cls(head, known, kinds, wrong, right, silenced, seed)


@dataclass(frozen=True)
class _Kinds:
    """Hashes of the clips given, by what they serve as from now on."""

    normals: list[str]
    held_out: list[str]
    anomalies: list[str]

    def known(self, before: Known, heard: Mapping[str, KnownClip]) -> Known:
        """Let the clips given and those known already take turns."""
        old = before.without(heard)

        def of(hashes: Iterable[str], known: Sequence[KnownClip]) -> tuple[KnownClip, ...]:
            both = zip_longest((heard[hash_] for hash_ in hashes), known)
            return tuple(clip for pair in both for clip in pair if clip is not None)

        return Known(
            normals=of(self.normals, old.normals),
            held_out=of(self.held_out, old.held_out),
            anomalies=tuple(clip.shortened() for clip in of(self.anomalies, old.anomalies)),
            outliers=old.outliers,
            start=old.start,
        ).bounded()

    def replay(self, before: Replay, rows: ByHash) -> Replay:
        """Let the clips given and those of the replay set take turns."""

        def of(hashes: Iterable[str], stored: ByHash) -> ByHash:
            others = {hash_: clip for hash_, clip in stored.items() if hash_ not in rows}
            return alternating({hash_: rows[hash_] for hash_ in hashes if hash_ in rows}, others)

        return Replay(
            normals=of(self.normals, before.normals),
            held_out=of(self.held_out, before.held_out),
            anomalies=of(self.anomalies, before.anomalies),
            outliers=before.outliers,
        )


def _reference(
    bundle: Bundle,
    sounds: Mapping[str, Sound],
    anomalies: Sequence[str],
    normals: Sequence[str],
) -> Reference | None:
    """Let the normals join the healthy clips."""
    if bundle.reference is None:
        return None
    wrong, right = (
        [sounds[hash_].samples for hash_ in hashes if hash_ in sounds]
        for hashes in (anomalies, normals)
    )
    return bundle.reference.joined_by(right, without=wrong)


def _check_head(bundle: Bundle, has_anomalies: bool) -> None:
    recipe = bundle.info.recipe
    if has_anomalies and not recipe.has_posterior:
        raise DataError(
            f"the loss {recipe.loss.name} has no posterior, and its distance knows no anomalies: "
            "its head has nothing to learn from them; adapt its encoder"
        )
    if not recipe.has_posterior and not recipe.has_moving_centroids:
        raise DataError(
            f"the loss {recipe.loss.name} measures from a fixed centre: its head cannot learn; "
            "adapt its encoder"
        )
    if not bundle.known.normals or not bundle.known.held_out:
        raise DataError("the bundle keeps no embeddings to fit a head to; train it again")


def _with_start(known: Known, head: Head, recipe: Recipe) -> Known:
    """Keep c_p as it was trained, where a head may move it: a label can be taken back."""
    if head.centres is None or not recipe.has_moving_centroids or recipe.measures_nearest:
        return known
    return replace(known, start={"centre": head.centres[0], **known.start})


def _check_normals(known: Known) -> None:
    if not known.normals or not known.held_out:
        raise DataError(
            f"{len(known.normals)} normal clips are left to fit a head to and "
            f"{len(known.held_out)} to fit the threshold on; give more of the machine's healthy "
            "sound as normal clips",
            argument="normals",
        )


def _provenance(
    bundle: Bundle, kinds: _Kinds, normals: Sequence[str], fitted: Fitted, seed: int
) -> Provenance:
    origin = bundle.info.provenance
    told = relabelled(
        origin,
        trained=kinds.normals,
        held_out=kinds.held_out,
        anomalies=kinds.anomalies,
        normals=normals,
    )
    return told.model_copy(
        update={
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "rattle": VERSION,
            "seed": seed,
            "silenced": fitted.quiet,
            "parent": bundle.identity,
        }
    )


def _info(
    info: BundleInfo, fitted: Fitted, healthy: Sequence[Traits], provenance: Provenance
) -> BundleInfo:
    return info.model_copy(
        update={
            "scale": fitted.mix.scale,
            "held_out": HeldOut.of_each(fitted.held_out),
            "cross_fitted": fitted.crossed,
            "silenced": HeldOut.of_each(fitted.silenced),
            "recorder": info.recorder and info.recorder.joined_by(healthy),
            "provenance": provenance,
            "schema_version": SCHEMA_VERSION,
        }
    )


def _with_golden(info: BundleInfo, bundle: Bundle, ear: Ear, fitted: Fitted) -> BundleInfo:
    """State what the stored clips score by the new head."""
    scores, decision = [], decision_of(info)
    for samples in bundle.golden:
        clip = ear.embed(from_16_bit(samples))
        parts = fitted.head.parts(clip.start_s, clip.z)
        said = clip_score("", parts, fitted.mix, decision)
        scores.append(
            GoldenScore(score=said.score, posterior=said.posterior, distance=said.distance)
        )
    return info.model_copy(update={"golden": tuple(scores)})


def _paths(clips: Iterable[Clip]) -> dict[str, str]:
    return {clip.content_hash: clip.name for clip in clips}


def _names(clips: Iterable[Labelled]) -> dict[str, str]:
    return {clip.known.hash: clip.known.name for clip in clips}

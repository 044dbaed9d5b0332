"""Enrol by the head alone: a further machine on an encoder that others share, without torch.

What ``rattle.enrol`` does where there are recordings in a manifest and a network in torch, this
does of recordings that follow each other in time, by the encoder's graph: the same fit and the same
scale. The threshold is cross-fitted whatever the recipe says: siblings are heads alone, which cost
nothing, and a share of so few recordings shows no rate. Its outliers are the embeddings that the
bundles of other machines keep (``bundle.known``).

    recordings ── fit to be learnt from? ── amplitude ── graph ── embeddings ┐
    other machines' bundles ── the embeddings that they keep ────────────────┴ head ── bundle
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from rattle.bundle.file import Bundle
from rattle.bundle.known import MOST_CLIPS, Embeddings, Known, KnownClip, stacked
from rattle.bundle.replay import Replay, Rows, replay_frames
from rattle.bundle.schema import CrossFitted, GoldenScore, HeldOut, Provenance
from rattle.clips.amplitude import amplitude
from rattle.clips.hearing import hear
from rattle.clips.pcm16 import to_16_bit
from rattle.clips.recorder import Recorder
from rattle.diagnosis.reference import MOST_CLIPS as REFERENCE_CLIPS
from rattle.diagnosis.reference import Reference
from rattle.errors import DataError
from rattle.randomness import HELD_OUT, REPLAY, stream
from rattle.recipe import Recipe
from rattle.runtime.enrol_heard import (
    EmbeddedClip,
    HeardClip,
    OnDone,
    embedded_each,
    fit_to_learn_from,
)
from rattle.runtime.graph import shared_graph
from rattle.runtime.refit import Fitted, refit
from rattle.runtime.scorer import Scorer
from rattle.scoring.head import Head, evenly
from rattle.scoring.head_fit import fit_posterior
from rattle.version import VERSION

GOLDEN_CLIPS, GOLDEN_SECONDS = 2, 13.0
# Clips of each outlier machine that a head is fitted to, and of all that the scale is measured on.
FITTED_OUTLIERS, SCALE_OUTLIERS = 32, 64


def enrol_head(
    machine: str,
    recordings: Sequence[Path],
    others: Sequence[Bundle],
    *,
    seed: int = 0,
    on_done: OnDone = lambda done, of: None,
) -> Bundle:
    """Make a bundle of a further machine, on the encoder of ``others``' bundles.

    ``recordings`` are its healthy sound, some ten seconds each, in the order of time: a share of
    them that is held out is a stretch of that time. ``others`` share one encoder, and have a graph;
    recipe and encoder are those of the first. Raises ``DataError`` where too few recordings are fit
    to be learnt from, or the machine is one that the encoder was trained with, and ``ClipError``
    for one that cannot be read.
    """
    parent = others[0]
    recipe, graph = parent.info.recipe, parent.graph
    _check(machine, others)
    assert graph is not None  # noqa: S101 - checked
    # As many as a bundle keeps embeddings of, and a share that is held out.
    most = round(MOST_CLIPS / (1 - 1 / recipe.training.shares))
    chosen = [recordings[place] for place in evenly(len(recordings), most)]
    heard = fit_to_learn_from(chosen, recipe)
    statistics = amplitude(each.moments for each in heard)
    info = parent.info.model_copy(update={"machine": machine, "amplitude": statistics})
    ear = Scorer(info, Head.restored(parent.learnt["head"], recipe), shared_graph(graph))
    embedded = list(embedded_each(heard, ear, on_done))
    outliers = _Outliers.of(others)
    order = _stretches(len(embedded), recipe, seed)
    with threadpool_limits(1):  # so small a problem is solved faster by one thread
        fits = {
            share: _fit(embedded, order, share, outliers, recipe, seed)
            for share in range(recipe.training.shares)
        }
    known, fitted = fits.pop(0)
    crossed = tuple(
        crossed for sibling in fits.values() for crossed in _crossed(*sibling, fitted, recipe)
    )
    held_out = [heard[place] for place in order[0]]
    samples = [hear(each.path, recipe.audio).samples for each in held_out[:GOLDEN_CLIPS]]
    golden = round(GOLDEN_SECONDS * recipe.audio.sample_rate_hz)
    bundle = Bundle(
        info=info.model_copy(
            update={
                "alpha": recipe.scoring.alpha,
                "alpha_origin": "the recipe's default",
                "scale": fitted.mix.scale,
                "held_out": HeldOut.of_each(fitted.held_out),
                "cross_fitted": crossed,
                "silenced": (),
                "golden": (),
                "recorder": Recorder.of(
                    (each.traits for each in heard), recipe.audio.sample_rate_hz
                ),
                "provenance": _provenance(parent, known, others, seed),
            }
        ),
        learnt={**parent.learnt, "head": fitted.head.arrays()},
        golden=tuple(to_16_bit(clip[:golden]) for clip in samples),
        known=known,
        replay=_replay(heard, known, parent, ear),
        reference=_reference(heard, recipe),
        graph=graph,
    )
    return _with_golden_scores(bundle, ear, fitted)


def _check(machine: str, others: Sequence[Bundle]) -> None:
    parent = others[0]
    recipe = parent.info.recipe
    if recipe.baseline is not None or parent.graph is None:
        raise DataError(
            f"the bundle of {parent.info.machine} has no encoder's graph; give one of a network, "
            "exported"
        )
    fleet = parent.info.provenance.fleet or (parent.info.machine,)
    if machine in fleet:
        raise DataError(
            f"{machine} is one of the machines that this encoder was trained with: its threshold "
            "would be fitted to clips that the encoder knows; give the new machine another name"
        )
    if not any(bundle.known.normals for bundle in others):
        raise DataError(
            "the bundles keep no embeddings, so that there is no sound of another machine; train "
            "them again"
        )


@dataclass(frozen=True)
class _Outliers:
    """Embeddings ``[n, D]`` of other machines, evenly over them: for the head, for the scale."""

    fitted: Embeddings
    scale: Embeddings

    @classmethod
    def of(cls, others: Sequence[Bundle]) -> _Outliers:
        groups = [bundle.known.normals for bundle in others if bundle.known.normals]
        # What the first keeps of machines whose bundles are not at hand.
        more = [others[0].known.outliers] if len(others[0].known.outliers) else []
        dimensions = groups[0][0].z.shape[1]
        each = -(-SCALE_OUTLIERS // len(groups))
        return cls(
            np.concatenate([*(_of_clips(of, FITTED_OUTLIERS, dimensions) for of in groups), *more]),
            np.concatenate([*(_of_clips(of, each, dimensions) for of in groups), *more]),
        )


def _of_clips(clips: Sequence[KnownClip], most: int, dimensions: int) -> Embeddings:
    return stacked([clips[place] for place in evenly(len(clips), most)], dimensions)


def _stretches(count: int, recipe: Recipe, seed: int) -> list[NDArray[np.int64]]:
    """Split the time into as many stretches as there are shares, the first from a place by chance.

    What follows each other sounds alike: shares drawn clip by clip would know their neighbours, and
    the threshold would be too low (``learning.shares``).
    """
    shares = recipe.training.shares
    stretches = np.array_split(np.arange(count, dtype=np.int64), shares)
    first = int(stream(seed, HELD_OUT).integers(shares))
    return [stretches[(first + turn) % shares] for turn in range(shares)]


def _fit(
    clips: Sequence[EmbeddedClip],
    stretches: Sequence[NDArray[np.int64]],
    share: int,
    outliers: _Outliers,
    recipe: Recipe,
    seed: int,
) -> tuple[Known, Fitted]:
    """Fit a head that does not know the clips of one share, and hold these against it."""
    # In the order of no time: any beginning of what is kept is a fair sample.
    learnt = np.concatenate([of for turn, of in enumerate(stretches) if turn != share])
    order = stream(seed, REPLAY).permutation(learnt)
    normals = [clips[place].known for place in order]
    z = stacked(normals, outliers.scale.shape[1])
    weight, bias = fit_posterior(z, outliers.fitted) if recipe.has_posterior else (None, None)
    centre = z.mean(axis=0, keepdims=True) if recipe.has_distance else None
    head = Head(weight, bias, centre, recipe.loss.distance, recipe.distance_pieces)
    known = Known(
        normals=tuple(normals),
        held_out=tuple(clips[place].scored for place in stretches[share]),
        outliers=outliers.scale,
        start={} if weight is None or bias is None else {"weight": weight, "bias": bias},
    )
    # It chooses what d is measured from, as it does whenever the head learns later.
    return known, refit(head, known, recipe, recipe.scoring.alpha, ())


def _crossed(known: Known, sibling: Fitted, own: Fitted, recipe: Recipe) -> Iterator[CrossFitted]:
    """What a sibling says of the clips that it did not know, on the scale of the head itself."""
    rows = sibling.held_out.rows()
    for clip, (gap, distance) in zip(known.held_out, rows, strict=True):
        on_own = None if distance is None else _on(own, sibling, distance)
        yield CrossFitted(clip=clip.hash, gap=gap, distance=on_own)


def _on(own: Fitted, sibling: Fitted, distance: float) -> float:
    scaled = float(sibling.mix.scale(np.array([distance]))[0])
    return own.mix.scale.inverse(scaled)


def _provenance(parent: Bundle, known: Known, others: Sequence[Bundle], seed: int) -> Provenance:
    origin = parent.info.provenance
    trained, held_out = ([clip.hash for clip in of] for of in (known.normals, known.held_out))
    identities = [bundle.identity for bundle in others]
    text = json.dumps([VERSION, identities, seed, trained, held_out])
    return Provenance(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        rattle=VERSION,
        torch=origin.torch,
        seed=seed,
        data_hash=hashlib.sha256(text.encode()).hexdigest(),
        trained=tuple(trained),
        held_out=tuple(held_out),
        outliers=f"what the bundles of {', '.join(b.info.machine for b in others)} keep",
        outliers_substitute=False,
        parent=parent.identity,
        fleet=origin.fleet or (parent.info.machine,),
    )


def _replay(heard: Sequence[HeardClip], known: Known, parent: Bundle, ear: Scorer) -> Replay:
    """Keep features of some of the recordings, so that the encoder can learn from them later."""
    recipe = ear.recipe
    paths = {each.clip.hash: each.path for each in heard}
    most, frames = recipe.adaptation.replay_clips, replay_frames(recipe)

    def rows(clips: Sequence[KnownClip]) -> dict[str, Rows]:
        hashes = [clip.hash for clip in clips[:most]]
        samples = {hash_: hear(paths[hash_], recipe.audio).samples for hash_ in hashes}
        return {hash_: ear.features(of)[:frames] for hash_, of in samples.items()}

    outliers = {**parent.replay.outliers, parent.info.machine: parent.replay.normals}
    return Replay(
        normals=rows(known.normals),
        held_out=rows(known.held_out),
        outliers={machine: of for machine, of in outliers.items() if of},
    ).bounded(most, frames)


def _reference(heard: Sequence[HeardClip], recipe: Recipe) -> Reference:
    places = evenly(len(heard), REFERENCE_CLIPS)
    sounds = (hear(heard[place].path, recipe.audio).samples for place in places)
    return Reference.of(sounds, recipe.audio.sample_rate_hz)


def _with_golden_scores(bundle: Bundle, ear: Scorer, fitted: Fitted) -> Bundle:
    scorer = Scorer(bundle.info, fitted.head, ear.graph, bundle.golden)
    stated = tuple(
        GoldenScore(score=clip.score, posterior=clip.posterior, distance=clip.distance)
        for clip in scorer.golden_scores()
    )
    return replace(bundle, info=bundle.info.model_copy(update={"golden": stated}))

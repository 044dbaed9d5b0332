"""Order sounds of one machine that wait for a verdict by what one would teach; join alike ones.

A verdict is worth what it says of other sounds. So sounds are asked about that stand for most of
those that wait, by the greedy cover of all by balls around a few ("Active Learning Through a
Covering Lens", Yehuda and others 2022): the largest group of alike sounds first, one verdict for
all of it. What is like a sound that was reviewed comes last. Single sounds come as they stand in
the pool.

Measured on four real machines after 4, 8 and 16 verdicts, asking about alike sounds together is
what taught a head faster; the largest group first or the newest made no difference. Orders that
look cleverer taught it no more than chance, or less: the highest score first, the nearest to the
threshold, the furthest from what was reviewed (greedy k-centre, core-set selection of Sener and
Savarese 2018), and mixtures of them (``docs/explanation/worth.md``).

Embeddings are of one encoder: others do not compare.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rattle.scoring.head import CENTRE_WINDOWS

Embeddings = NDArray[np.floating]
Values = NDArray[np.float64]
# many: others that wait sound like it. unlike: nothing that was reviewed does. normal, anomaly: it
# sounds like one that was called so. between: like one of either. newest: nobody can tell.
Reason = Literal["many", "unlike", "normal", "anomaly", "between", "newest"]
# So many healthy sounds have another one that is alike.
ALIKE_SHARE = 0.9
# A person still listens to some of a group: what is beyond is asked about in another question.
MOST_ALIKE = 24


@dataclass(frozen=True)
class Pick:
    """A sound to be asked about, and those so like it that one verdict may be for all.

    ``place`` and ``alike``, the nearest first, are places in the pool. ``reason`` says what put it
    there.
    """

    place: int
    alike: tuple[int, ...]
    reason: Reason


@dataclass(frozen=True)
class Reviewed:
    """Embeddings ``[m, D]`` of sounds that were reviewed; ``is_anomaly [m]`` says as what."""

    z: Embeddings
    is_anomaly: NDArray[np.bool_]


def picks(z: Embeddings, reviewed: Reviewed, within: float | None) -> list[Pick]:
    """Order a pool of sounds, embeddings ``z [n, D]``, of which those no further apart than
    ``within`` are alike.

    Without it nothing is known to be alike, and the pool's order stays.
    """
    if within is None:
        return [Pick(place, (), "newest") for place in range(len(z))]
    apart = _distances(z, z)
    like = [
        _distances(z, reviewed.z[reviewed.is_anomaly == kind]).min(axis=1, initial=np.inf) <= within
        for kind in (False, True)
    ]
    is_known = like[0] | like[1]
    chosen: list[Pick] = []
    for pool in (np.flatnonzero(~is_known), np.flatnonzero(is_known)):
        for place, alike in _cover(apart[np.ix_(pool, pool)], within):
            first = int(pool[place])
            reason = _reason(bool(like[0][first]), bool(like[1][first]), bool(alike))
            chosen.append(Pick(first, tuple(int(pool[each]) for each in alike), reason))
    return chosen


def alike_within(centres: Embeddings | None) -> float | None:
    """Say how near sounds of a machine are that count as alike: by its own healthy ones.

    Nine in ten of its healthy embeddings ``centres [K, D]`` (``Head.centres``) have one of another
    clip so near. None where there are too few to tell. A clip gives up to ``CENTRE_WINDOWS`` of
    them, so of another clip is the one that comes after as many.
    """
    if centres is None or len(centres) <= 2 * CENTRE_WINDOWS:
        return None
    # The first is itself.
    nearest = np.partition(_distances(centres, centres), CENTRE_WINDOWS, axis=1)
    return float(np.quantile(nearest[:, CENTRE_WINDOWS], ALIKE_SHARE))


def _cover(apart: Values, within: float) -> list[tuple[int, list[int]]]:
    """Take again and again the place with most places near it, and these, the nearest first."""
    near = apart <= within
    waits = np.ones(len(apart), np.bool_)
    count = near.sum(axis=1)
    groups = []
    while waits.any():
        place = int(np.argmax(np.where(waits, count, -1)))
        others = np.flatnonzero(near[place] & waits)
        others = others[others != place]
        alike = others[np.argsort(apart[place, others], kind="stable")][:MOST_ALIKE]
        group = [place, *alike.tolist()]
        waits[group] = False
        count = count - near[:, group].sum(axis=1)
        groups.append((place, group[1:]))
    return groups


def _distances(z: Embeddings, others: Embeddings) -> Values:
    """Distances between each of ``z [n, D]`` and of others ``[m, D]``: ``[n, m]``."""
    one, other = z.astype(np.float64), others.astype(np.float64)
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
    distances: Values = np.sqrt(np.maximum(squares, 0.0))
    if z is others:
        np.fill_diagonal(distances, 0.0)
    return distances


def _reason(like_normal: bool, like_anomaly: bool, has_alike: bool) -> Reason:
    if like_normal and like_anomaly:
        return "between"
    if like_normal or like_anomaly:
        return "normal" if like_normal else "anomaly"
    return "many" if has_alike else "unlike"

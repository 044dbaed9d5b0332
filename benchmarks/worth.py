r"""Measures which order of questions teaches a head fastest: a person answers 4, 8, 16 of them.

    python benchmarks/worth.py run DATA --results benchmarks/results/worth.jsonl
    python benchmarks/worth.py table --results benchmarks/results/worth.jsonl \
        --into docs/explanation/worth.md

DATA holds fan/id_00, fan/id_02, slider/id_00 and slider/id_02 in the DCASE layout. A run is one of

    fleet     detectors of the recipe fleet, trained with all machines
    enrol     a machine that joined a fleet which does not know it, by its head alone

and a seed. Of a machine's test clips half of the normals and as many anomalies wait in an order by
chance, which stands for the newest first; the head is judged on the others. The person who answers
knows each label and says it of the clip that is asked about. Where alike ones are asked about
together, the answer is either taken for all of them without listening (blindly), or those for which
it is wrong are left out (heard). Nothing is trained by the labels but by these answers.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import t as student

import rattle
from hearing import MACHINES, trained
from page import between
from rattle import Detector, Manifest, Recipe
from rattle.bundle.known import Known, KnownClip, Named
from rattle.clips.layouts import load_manifest
from rattle.evaluation.metrics import auc
from rattle.runtime.refit import Fitted, refit
from rattle.scoring.head import Head
from rattle.scoring.worth import Reviewed, alike_within, picks
from rows import Row, note, noted

COUNTS = (4, 8, 16)
SEEDS, DRAWS = (0, 1), 4
WHATS = ("fleet", "enrol")
NEWEST = "newest first"
Values = NDArray[np.float64]


@dataclass
class Pool:
    """Clips that wait: embeddings of their windows, labels, and what a person said of them."""

    detector: Detector
    clips: Sequence[KnownClip]
    is_anomaly: NDArray[np.bool_]
    said: dict[int, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        learnt = self.detector.bundle().learnt["head"]
        self.head = Head.restored(learnt, self.detector.recipe)
        self.z = np.stack([clip.z.mean(axis=0) for clip in self.clips])
        self.scores = self.fitted().scores(self.clips)
        self.within = alike_within(self.head.centres)

    @property
    def left(self) -> list[int]:
        return [place for place in range(len(self.clips)) if place not in self.said]

    def fitted(self) -> Fitted:
        """The head that learnt from what was said so far."""
        known: Known = self.detector.known
        wrong = [self.clips[place] for place, is_wrong in self.said.items() if is_wrong]
        right = [self.clips[place] for place, is_wrong in self.said.items() if not is_wrong]
        known = replace(
            known,
            normals=(*right, *known.normals),
            anomalies=(*wrong, *known.anomalies),
        )
        recipe, alpha = self.detector.recipe, self.detector.info.alpha
        return refit(self.head, known, recipe, alpha, {clip.hash for clip in right})

    def distances(self, place: int) -> Values:
        distances: Values = np.linalg.norm(self.z - self.z[place], axis=1)
        return distances


def newest(pool: Pool) -> list[int]:
    return pool.left[:1]


def highest(pool: Pool) -> list[int]:
    return [max(pool.left, key=lambda place: pool.scores[place])]


def uncertain(pool: Pool) -> list[int]:
    """The nearest to the threshold of the head as it is by now."""
    now = pool.fitted()
    scores = now.scores([pool.clips[place] for place in pool.left])
    return [pool.left[int(np.argmin(abs(scores - now.threshold)))]]


def unlike(pool: Pool) -> list[int]:
    """The furthest from what was reviewed; the highest score first."""
    if not pool.said:
        return highest(pool)
    apart = np.min([pool.distances(place) for place in pool.said], axis=0)
    return [max(pool.left, key=lambda place: apart[place])]


def mixed(pool: Pool) -> list[int]:
    """By the ranks of score and of distance to what was reviewed, which count alike."""
    if not pool.said:
        return highest(pool)
    apart = np.min([pool.distances(place) for place in pool.said], axis=0)[pool.left]
    ranks = [np.argsort(np.argsort(values)) for values in (pool.scores[pool.left], apart)]
    return [pool.left[int(np.argmax(ranks[0] + ranks[1]))]]


def together(pool: Pool, order: Callable[[Pool], list[int]]) -> list[int]:
    """What another order asks about, and all that is alike."""
    (first,) = order(pool)
    near = pool.distances(first) <= (pool.within or 0.0)
    return [first, *(place for place in pool.left if near[place] and place != first)]


def cover(pool: Pool) -> list[int]:
    """As the station asks."""
    told = [*pool.said]
    reviewed = Reviewed(pool.z[told], np.array([pool.said[place] for place in told], np.bool_))
    pick = picks(pool.z[pool.left], reviewed, pool.within)[0]
    return [pool.left[place] for place in (pick.place, *pick.alike)]


# By name: what is asked about next, and whether the person listens to all of it.
ORDERS: dict[str, tuple[Callable[[Pool], list[int]], bool]] = {
    NEWEST: (newest, True),
    "highest score first": (highest, True),
    "nearest to the threshold first": (uncertain, True),
    "furthest from what was reviewed first (k-centre)": (unlike, True),
    "highest and furthest": (mixed, True),
    "newest first, alike ones together, heard": (lambda pool: together(pool, newest), True),
    "highest score first, alike ones together, heard": (
        lambda pool: together(pool, highest),
        True,
    ),
    "largest group first, heard": (cover, True),
    "largest group first, blindly": (cover, False),
}


def machine_rows(what: str, seed: int, detector: Detector, clips: Manifest) -> Iterator[Row]:
    """All orders of a machine, in draws of what waits."""
    every = [
        (
            KnownClip(Named.of(clip.content_hash, clip.name), heard_z(detector, clip)),
            clip.label == "anomaly",
        )
        for clip in clips.of(detector.machine, split="test")
    ]
    by_label = [[clip for clip, label in every if label == is_wrong] for is_wrong in (False, True)]
    for draw in range(DRAWS):
        rng = np.random.default_rng((seed, draw))
        normals, anomalies = ([of[i] for i in rng.permutation(len(of))] for of in by_label)
        half = len(normals) // 2
        count = min(half, len(anomalies) // 2)
        waiting = [
            *((clip, False) for clip in normals[:half]),
            *((c, True) for c in anomalies[:count]),
        ]
        waiting = [waiting[i] for i in rng.permutation(len(waiting))]
        tests = (normals[half:], anomalies[count:])
        row = {"what": what, "seed": seed, "machine": str(detector.machine), "draw": draw}
        for name, (order, is_heard) in ORDERS.items():
            pool = Pool(
                detector, [c for c, _ in waiting], np.array([label for _, label in waiting])
            )
            yield {**row, "order": name, **course(pool, order, tests, is_heard=is_heard)}


def heard_z(detector: Detector, clip: rattle.Clip) -> NDArray[np.float32]:
    return detector.embed(detector.heard(clip).samples).z


def course(
    pool: Pool,
    order: Callable[[Pool], list[int]],
    tests: tuple[Sequence[KnownClip], Sequence[KnownClip]],
    *,
    is_heard: bool,
) -> Row:
    """Let a person answer 16 questions: the AUC after 0, 4, 8 and 16, and what was labelled."""
    row: Row = {"auc 0": judged(pool, tests)}
    wrong = 0
    for number in range(1, max(COUNTS) + 1):
        if pool.left:
            first, *alike = order(pool)
            label = bool(pool.is_anomaly[first])
            same = [place for place in alike if pool.is_anomaly[place] == label]
            taken = same if is_heard else alike
            wrong += len(taken) - sum(place in same for place in taken)
            pool.said |= dict.fromkeys((first, *taken), label)
        if number in COUNTS:
            row[f"auc {number}"] = judged(pool, tests)
    return {**row, "labels": len(pool.said), "wrong": wrong}


def judged(pool: Pool, tests: tuple[Sequence[KnownClip], Sequence[KnownClip]]) -> float:
    fitted = pool.fitted()
    return round(float(auc(*(fitted.scores(list(clips)) for clips in tests))), 4)


def rows_of(what: str, seed: int, clips: Manifest) -> Iterator[Row]:
    recipe = Recipe.load("fleet")
    if what == "fleet":
        for detector in trained(clips, list(MACHINES), recipe, seed):
            yield from machine_rows(what, seed, detector, clips)
        return
    for machine in MACHINES:
        known = next(each for each in MACHINES if each != machine)
        (parent,) = trained(clips.without(machine), [known], recipe, seed)
        joined = rattle.enrol(parent, clips, machine, seed=seed)
        yield from machine_rows(what, seed, joined, clips)


def difference(rows: Sequence[Row], start: dict[tuple[object, ...], Row], name: str) -> str:
    """Mean and 95 % interval (Student's) over machines and seeds.

    The draws of one are averaged before: they share its encoder and its clips.
    """
    by: dict[tuple[object, object], list[float]] = {}
    for row in rows:
        before = start[row["seed"], row["machine"], row["draw"]]
        by.setdefault((row["seed"], row["machine"]), []).append(row[name] - before[name])
    means = [float(np.mean(values)) for values in by.values()]
    half = student.ppf(0.975, len(means) - 1) * np.std(means, ddof=1) / len(means) ** 0.5
    return f"{np.mean(means):+.3f} ± {half:.3f}"


def table(rows: Sequence[Row], what: str) -> str:
    """Markdown: AUC by order, and how it differs from the newest first."""
    of = [row for row in rows if row["what"] == what]
    key = ("seed", "machine", "draw")
    start = {tuple(row[k] for k in key): row for row in of if row["order"] == NEWEST}
    lines = [
        "| order of the questions | after 4 | after 8 | after 16 | clips labelled | wrongly |",
        "|---|---|---|---|---:|---:|",
    ]
    before = np.mean([row["auc 0"] for row in start.values()])
    lines.append(f"| (before the first) | {before:.3f} | | | 0 | |")
    for name in ORDERS:
        at = [row for row in of if row["order"] == name]
        cells = []
        for count in COUNTS:
            values = [row[f"auc {count}"] for row in at]
            cell = f"{np.mean(values):.3f}"
            if name != NEWEST:
                cell += f" ({difference(at, start, f'auc {count}')})"
            cells.append(cell)
        labels, wrong = (np.mean([row[k] for row in at]) for k in ("labels", "wrong"))
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {labels:.1f} | {wrong:.1f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["run", "table"])
    parser.add_argument("data", nargs="?")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--into", type=Path, nargs="*", default=[], help="pages with the markers")
    parser.add_argument(
        "--seeds", nargs="+", type=int, default=list(SEEDS), help="of trainings: to run, or to show"
    )
    chosen = parser.parse_args()
    if chosen.verb == "run":
        torch.set_num_threads(1)
        clips = load_manifest(Path(chosen.data))
        note(chosen.results, WHATS, chosen.seeds, lambda what, seed: rows_of(what, seed, clips))
        return
    rows = noted(chosen.results, chosen.seeds)
    tables = {what: table(rows, what) for what in WHATS}
    print("\n\n".join(tables.values()))
    for file in chosen.into:
        page = file.read_text(encoding="utf-8")
        for name, text in tables.items():
            page = between(page, name, text)
        file.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()

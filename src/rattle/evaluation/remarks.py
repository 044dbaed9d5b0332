"""Tell in sentences what a reader has to know to read an evaluation's figures rightly."""

from __future__ import annotations

from collections.abc import Iterator

from rattle.evaluation.evaluate import Evaluation

# Below this many clips of a class one clip moves AUC by several hundredths, and the
# large-sample interval is only a rough guide.
FEW_CLIPS = 20


def remarks(evaluation: Evaluation) -> list[str]:
    """Tell who has no figures and why; figures on few clips, intervals without width, and ties."""
    return [
        *_unranked(evaluation),
        *_few_clips(evaluation),
        *_intervals_without_width(evaluation),
        *_ties(evaluation),
    ]


def _unranked(evaluation: Evaluation) -> Iterator[str]:
    for result in evaluation.machines:
        if not result.ranking:
            yield (
                f"{result.machine}: {result.reason}, so it has no AUC and is left out of every "
                f"mean; {result.alarms} of its {result.n_clips} clips are called anomalous."
            )


def _few_clips(evaluation: Evaluation) -> Iterator[str]:
    few = [
        str(result.machine)
        for result in evaluation.machines
        if result.ranking and min(result.confusion.n_normal, result.confusion.n_anomaly) < FEW_CLIPS
    ]
    if few:
        yield (
            f"{', '.join(few)}: fewer than {FEW_CLIPS} clips of a class; read these figures as a "
            "hint, not as a measurement."
        )


def _intervals_without_width(evaluation: Evaluation) -> Iterator[str]:
    certain = [
        str(result.machine)
        for result in evaluation.machines
        if result.ranking and result.ranking.interval[0] == result.ranking.interval[1]
    ]
    if certain:
        yield (
            f"{', '.join(certain)}: at an AUC of 0 or 1 the interval of Hanley and McNeil has no "
            "width; that is a limit of the formula, not certainty."
        )


def _ties(evaluation: Evaluation) -> Iterator[str]:
    for result in evaluation.machines:
        if result.ranking and result.ranking.tied_share:
            yield (
                f"{result.machine}: {result.ranking.tied_share:.1%} of its pairs have equal "
                "scores; AUC counts them 0 (equation 6), scikit-learn would count them one half."
            )

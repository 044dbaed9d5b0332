"""Say on the terminal why a clip scores as it does."""

from __future__ import annotations

from collections.abc import Iterator

from rattle.runtime.explanation import Explanation
from rattle.runtime.said import differences_said, near_said, reactions_said


def explanation_lines(explanation: Explanation, most: int) -> Iterator[str]:
    """Give the lines: the decision, what differs, what the detector reacts to, what is near."""
    score = explanation.score
    what = score.path
    if explanation.start_s is not None and explanation.end_s is not None:
        what += f", {explanation.start_s:.1f} to {explanation.end_s:.1f} s"
    yield f"{what}: {score.decision}, score {score.score:.4g}, threshold {score.threshold:.4g}"
    said = differences_said(explanation, most)
    if said:
        yield "  What differs from the healthy clips:"
        yield from (f"  {number}. {each}" for number, each in enumerate(said, start=1))
    else:
        yield f"  Nothing in it stands out from {explanation.healthy} healthy clips."
    yield from (f"  {each}" for each in reactions_said(explanation, most))
    yield from (f"  {each}" for each in near_said(explanation))

"""Say on the terminal why a clip scores as it does."""

from __future__ import annotations

from collections.abc import Iterator

from rattle.diagnosis.sentence import sentence
from rattle.runtime.explain import Explanation, Reaction

# Bands that the detector reacts to, and differences that it does not hear, named at most.
BANDS = 3


def explanation_lines(explanation: Explanation, most: int) -> Iterator[str]:
    """Give the lines: the decision, what differs, what the detector reacts to, what is near."""
    score = explanation.score
    decision = "ANOMALOUS" if score.anomalous else "normal"
    yield f"{score.path}: {decision}, score {score.score:.4g}, threshold {score.threshold:.4g}"
    telling = explanation.telling[:most]
    if telling:
        yield "  What differs from the healthy clips:"
        for number, difference in enumerate(telling, start=1):
            yield f"  {number}. {sentence(difference, explanation.healthy)}"
    else:
        yield (
            f"  Nothing in it stands out from {explanation.healthy} healthy clips by lines, bands, "
            "pulses or times."
        )
    yield from _reactions(explanation)
    for near, what in ((explanation.normal, "healthy"), (explanation.anomaly, "anomalous")):
        if near is not None:
            yield f"  Most like the {what} clip {near.name} (distance {near.distance:.3g})."


def _reactions(explanation: Explanation) -> Iterator[str]:
    score, heard = explanation.score, explanation.heard
    if not score.anomalous or not explanation.reactions:
        return
    if not heard:
        yield (
            "  The detector reacts to no single band: with a healthy clip's sound in any half "
            "octave the score stays where it is."
        )
        return
    first, *others = heard[:BANDS]
    without = f"with a healthy clip's sound there the score would be {score.score - first.fall:.3g}"
    more = "".join(f", {_hertz(band)} ({score.score - band.fall:.3g})" for band in others)
    yield f"  The detector reacts most to {_hertz(first)} ({without}){more}."
    if explanation.unmeasured[:1] == heard[:1]:
        yield f"  Nothing was measured to stand out from {_hertz(first)}: listen there."
    deaf = explanation.unheard[:BANDS]
    numbers = [explanation.telling.index(each) + 1 for each in deaf]
    shown = [str(number) for number in numbers]
    if shown:
        yield f"  It hardly reacts to what {_listed(shown)} says."


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _hertz(band: Reaction) -> str:
    low, high = (float(f"{hz:.2g}") for hz in (band.low_hz, band.high_hz))
    return f"{low:,.0f} to {high:,.0f} Hz"

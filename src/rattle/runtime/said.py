"""Say an explanation in sentences: what differs, what the detector reacts to, what is near."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rattle.diagnosis.sentence import sentence
from rattle.runtime.explanation import Explanation, Reaction

# Bands that the detector reacts to, and differences that it does not hear, named at most.
BANDS = 3


def differences_said(explanation: Explanation, most: int) -> list[str]:
    """Say what stands out from the healthy clips, the most unusual first."""
    return [sentence(each, explanation.healthy) for each in explanation.telling[:most]]


def reactions_said(explanation: Explanation, most: int) -> Iterator[str]:
    """Say of an alarm what the detector reacts to, and where that and what differs disagree."""
    score, heard = explanation.score, explanation.heard
    if not score.anomalous or not explanation.reactions:
        return
    if not heard:
        yield (
            "The detector reacts to no single band: with a healthy clip's sound in any half octave "
            "the score hardly falls."
        )
        return
    first, *others = heard[:BANDS]
    without = f"with a healthy clip's sound there the score would be {score.score - first.fall:.3g}"
    more = "".join(f", {_hertz(band)} ({score.score - band.fall:.3g})" for band in others)
    yield f"The detector reacts most to {_hertz(first)} ({without}){more}."
    if explanation.unmeasured[:1] == (first,):
        yield f"Nothing was measured to stand out from {_hertz(first)}: listen there."
    shown = explanation.telling[:most]
    deaf = [str(shown.index(each) + 1) for each in explanation.unheard if each in shown]
    if deaf:
        verb = "says" if len(deaf) == 1 else "say"
        yield f"It hardly reacts to what {_listed(deaf)} {verb}."


def near_said(explanation: Explanation) -> Iterator[str]:
    """Say which known clips it is most like."""
    for near, what in ((explanation.normal, "healthy"), (explanation.anomaly, "anomalous")):
        if near is not None:
            yield f"Most like the {what} clip {near.name} (distance {near.distance:.3g})."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _hertz(band: Reaction) -> str:
    low, high = (float(f"{hz:.2g}") for hz in (band.low_hz, band.high_hz))
    return f"{low:,.0f} to {high:,.0f} Hz"

"""Open a bundle to score with it, by its graph where it has one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rattle.detector import Detector
    from rattle.runtime.scorer import Scorer


def open_scorer(
    bundle: Path, *, device: str = "auto", false_alarms: float | None = None
) -> Scorer | Detector:
    """Open the bundle's graph where it has one and the CPU may be used, else its network.

    With ``false_alarms`` its threshold is the one for that rate.
    """
    scorer = _opened(bundle, device)
    return scorer if false_alarms is None else scorer.at_rate(false_alarms)


def _opened(bundle: Path, device: str) -> Scorer | Detector:
    from rattle.runtime.scorer import Scorer

    scorer = Scorer.find(bundle) if device in ("auto", "cpu") else None
    if scorer is not None:
        return scorer
    from rattle.detector import Detector

    return Detector.load(bundle, device=device)

"""Open a bundle to score with it, by its graph where it has one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rattle.detector import Detector
    from rattle.runtime.scorer import Scorer


def open_scorer(bundle: Path, *, device: str = "auto") -> Scorer | Detector:
    """Open the bundle's graph where it has one and the CPU may be used, else its network."""
    from rattle.runtime.scorer import Scorer

    scorer = Scorer.find(bundle) if device in ("auto", "cpu") else None
    if scorer is not None:
        return scorer
    from rattle.detector import Detector

    return Detector.load(bundle, device=device)

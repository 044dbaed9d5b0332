"""Decide on a score: is it above the threshold, and how unusual is it among healthy clips?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rattle.pages.words import counted
from rattle.scoring.score import Values
from rattle.scoring.threshold import Threshold, fit_threshold


@dataclass(frozen=True)
class Unusual:
    """How a score lies among those of healthy clips: higher than ``above`` of ``of``.

    ``p_value`` is the chance that one more healthy clip scores as high or higher, by what those
    clips show: (1 + how many did) / (n + 1) (conformal prediction; Vovk et al., 2005). It is
    never below 1 / (n + 1), however high the score is: more clips show more.
    """

    above: int
    of: int

    @property
    def p_value(self) -> float:
        return (1 + self.of - self.above) / (1 + self.of)

    def __str__(self) -> str:
        if self.above == self.of:
            return f"higher than all of {counted(self.of, 'healthy clip')}"
        if not self.above:
            return f"lower than all of {counted(self.of, 'healthy clip')}"
        return f"higher than {self.above} of {counted(self.of, 'healthy clip')}"


@dataclass(frozen=True)
class Decision:
    """What scores are held against: a threshold, and healthy clips' scores ``[n]``, ascending.

    Each of those is the score of a clip by a model that had not learnt from it.
    """

    threshold: Threshold
    healthy: Values

    @classmethod
    def of(cls, healthy: Values, false_alarm_rate: float) -> Decision:
        """Fit the threshold to the scores ``healthy [n]``; ``ValueError`` where there is none."""
        return cls(fit_threshold(healthy, false_alarm_rate), np.sort(healthy))

    def unusual(self, score: float) -> Unusual:
        """Say how a score lies among the healthy ones; as high as one of them is not higher."""
        return Unusual(int(np.searchsorted(self.healthy, score)), len(self.healthy))

"""Bring numbers of unlike size to one: mean 0 and deviation 1 over what was trained on."""

from __future__ import annotations

from dataclasses import dataclass

from rattle.baselines.statistics import Values


@dataclass(frozen=True)
class Standard:
    """Mean and deviation ``[D]`` of training vectors; where they are all alike it is 1."""

    mean: Values
    deviation: Values

    @classmethod
    def fitted(cls, vectors: Values) -> Standard:
        """Fit to vectors ``[n, D]``."""
        from sklearn.preprocessing import StandardScaler  # slow to import

        scaler = StandardScaler().fit(vectors)
        return cls(scaler.mean_, scaler.scale_)

    def __call__(self, vectors: Values) -> Values:
        """Express vectors ``[*, D]`` in training deviations from the training mean."""
        return (vectors - self.mean) / self.deviation

    def arrays(self) -> dict[str, Values]:
        return {"mean": self.mean, "deviation": self.deviation}

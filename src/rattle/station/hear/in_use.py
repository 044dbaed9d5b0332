"""State which release scores a source."""

from __future__ import annotations

from dataclasses import dataclass

from rattle.runtime.scorer import Scorer


@dataclass(frozen=True)
class InUse:
    """The release that scores a source: its id, and its bundle opened."""

    id: str
    scorer: Scorer

    def hears_as(self, other: InUse) -> bool:
        """Whether its embeddings are those of the other: encoder, features, amplitude."""
        one, two = self.scorer, other.scorer
        return (
            one.graph.identity == two.graph.identity
            and one.info.amplitude == two.info.amplitude
            and one.info.recipe.features == two.info.recipe.features
            and one.info.recipe.audio == two.info.recipe.audio
        )

"""Show what another encoder would change, on kept sound and recordings that it has not learnt."""

from __future__ import annotations

from collections.abc import Sequence

from rattle.scoring.budget.rule import AlarmRule
from rattle.station.learn.gate import Gate, Source, gate, hear
from rattle.station.learn.incidents import Stood
from rattle.station.learn.pieces import HeardPiece, judged_by
from rattle.station.learn.replay import Voice


def tried_encoder(
    heard: Sequence[HeardPiece],
    stood: Sequence[Stood],
    sources: Sequence[str],
    old: Voice,
    new: Voice,
    rule: AlarmRule,
    budget_per_week: float,
) -> Gate:
    """Compare the encoder in use with a new one, each by its head.

    ``budget_per_week`` is that of all ``sources`` together.
    """
    share = budget_per_week / max(len(sources), 1)
    of_old, of_new = (
        [
            Source(
                source_id,
                judged_by(heard, source_id, voice, rule, is_new=is_new),
                [each for each in stood if each.source_id == source_id],
                share,
            )
            for source_id in sources
        ]
        for voice, is_new in ((old, False), (new, True))
    )
    minutes = sum(source.heard.heard_minutes for source in of_old)
    pieces = sum(each.incident_id is None for each in heard)
    return gate(hear(of_old), hear(of_new), stood, minutes, budget_per_week, pieces=pieces)

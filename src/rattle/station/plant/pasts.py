"""Say what a release makes of the sound before it was chosen, so that it does not begin anew.

the same encoder    all stored sound ── replay by its head ──┐
                    minutes of which none is stored ─ carried ┴─▶ its account
another encoder     all minutes of the one in use ── carried ─┐
                    kept sound and recordings, heard by both ─┴─▶ its account, and its incidents'
                                                                  embeddings for the next head
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np

from rattle.bundle.file import read_bundle
from rattle.bundle.known import stacked
from rattle.errors import ClipError
from rattle.runtime.recording import embed_recording
from rattle.scoring.budget.rule import AlarmRule, Values
from rattle.station.config.model import Plant
from rattle.station.learn.candidate import past_of
from rattle.station.learn.carry import carried
from rattle.station.learn.gate import Source
from rattle.station.learn.incidents import Stood, every_incident_of
from rattle.station.learn.labels import Base
from rattle.station.learn.material import find, recordings
from rattle.station.learn.moved import healthy_scores, heard_anew
from rattle.station.learn.pieces import HeardPiece, read_heard
from rattle.station.learn.replay import Voice, hop_seconds
from rattle.station.plant.assembly import Assembly
from rattle.station.plant.encoders import heard_of
from rattle.station.plant.learnable import Learnable, Learnables
from rattle.station.plant.releases import Release
from rattle.station.records import Embeddings
from rattle.station.store import embedding_files
from rattle.station.store.database import Database
from rattle.station.store.history import account_of
from rattle.station.store.releases import Past
from rattle.station.store.tables import StretchRow


class Pasts:
    """Makes pasts of releases; those of a machine's sources together."""

    def __init__(
        self,
        database: Database,
        file: Plant,
        ears: Assembly,
        learnables: Learnables,
        now: Callable[[], datetime],
    ) -> None:
        self._database, self._file, self._ears, self._now = database, file, ears, now
        self._learnables = learnables

    def of(self, of: Learnable, release_id: str, release: Release) -> list[Past]:
        """Say what the release makes of each source's sound before."""
        with self._database.reading() as session:
            stood = every_incident_of(session, of.id, self._now())
        heard = read_heard(heard_of(release.path))
        if release.encoder != of.encoder and heard:
            return self._moved(of, release_id, release, stood, heard)
        return self._replayed(of, release_id, release, stood)

    def _replayed(
        self, of: Learnable, release_id: str, release: Release, stood: Sequence[Stood]
    ) -> list[Past]:
        base = self._base(of, release_id, release)
        kept = self._learnables.stored(of, release.encoder, stood)
        (heard,) = kept.heard_by([base.voice], base, hop_seconds(release.scorer))
        return [_past(each, self._earlier(of, base, each), release_id) for each in heard]

    def _earlier(self, of: Learnable, base: Base, source: Source) -> Values:
        """Minutes that the live release heard, and of which no embedding is kept any more."""
        if base.encoder != of.encoder:
            return np.empty(0)
        earlier = self._before(of, source)
        if not len(earlier):
            return earlier
        held_out = self._learnables.bundle(of).known.held_out
        healthy = stacked(held_out, base.voice.head.dimensions)
        old = self._live_voice(of)
        return carried(earlier, old.scores(healthy), base.voice.scores(healthy))

    def _moved(
        self,
        of: Learnable,
        release_id: str,
        release: Release,
        stood: Sequence[Stood],
        heard: Sequence[HeardPiece],
    ) -> list[Past]:
        """Carry all minutes over to another encoder; where it heard the sound, that counts."""
        live, base = self._ears.releases[of.live_id], self._base(of, release_id, release)
        old = self._live_voice(of)
        heard = [*heard, *self._reviewed_since(of, release, stood, heard)]
        self._keep(heard, release.encoder)
        kept = self._learnables.stored(of, of.encoder, stood)
        was = Base(of.live_id, of.encoder, old, base.rule)
        (sources,) = kept.heard_by([old], was, hop_seconds(live.scorer))
        before, after = self._healthy(of, release, heard, old, base.voice)
        pasts = []
        for source in sources:
            minutes = carried(source.heard.minutes, before, after)
            moved = heard_anew(source, minutes, heard, base.voice, base.rule)
            earlier = carried(self._before(of, source), before, after)
            pasts.append(_past(moved, earlier, release_id))
        return pasts

    def _healthy(
        self,
        of: Learnable,
        release: Release,
        heard: Sequence[HeardPiece],
        old: Voice,
        new: Voice,
    ) -> tuple[Values, Values]:
        """Score the same healthy sound by both: what was kept, else clips that both hold."""
        if any(each.incident_id is None for each in heard):
            return healthy_scores(heard, old, new)
        one, other = self._learnables.bundle(of).known, read_bundle(release.path).known
        theirs = {clip.hash: clip for clip in other.held_out}
        both = [(clip, theirs[clip.hash]) for clip in one.held_out if clip.hash in theirs]
        return (
            old.scores(stacked((clip for clip, _ in both), old.head.dimensions)),
            new.scores(stacked((clip for _, clip in both), new.head.dimensions)),
        )

    def _before(self, of: Learnable, source: Source) -> Values:
        """Minutes of the live release before those that can be replayed."""
        with self._database.reading() as session:
            minutes = account_of(session, source.source_id, of.live_id).minutes
        return minutes[: max(len(minutes) - len(source.heard.minutes), 0)]

    def _reviewed_since(
        self,
        of: Learnable,
        release: Release,
        stood: Sequence[Stood],
        heard: Sequence[HeardPiece],
    ) -> list[HeardPiece]:
        """Let the new encoder hear the incidents that its worker has not heard."""
        known = {each.incident_id for each in heard}
        new = [each for each in stood if each.id not in known]
        found = []
        with self._database.reading() as session:
            for each in recordings(session, self._file.data, new):
                sound = find(session, self._file.data, each.file, [each.source_id])
                if sound is None:
                    continue
                try:
                    ends, z = embed_recording(release.scorer, sound.path)
                except ClipError:  # it is gone, or damaged: what cannot be heard is not learnt
                    continue
                at = sound.begins.timestamp() + ends
                found.append(HeardPiece(each.source_id, each.incident_id, at, z[:, :0], z))
        return found

    def _keep(self, heard: Sequence[HeardPiece], encoder: str) -> None:
        """Keep what the encoder makes of incidents: heads learn from it."""
        for each in heard:
            if each.incident_id is not None and len(each.ends):
                embedding_files.append(
                    self._file.data, Embeddings(each.source_id, encoder, each.ends, each.new)
                )

    def _base(self, of: Learnable, release_id: str, release: Release) -> Base:
        rule = AlarmRule.parse(of.machine.alarm)
        return Base(release_id, release.encoder, Voice.of(release.scorer), rule)

    def _live_voice(self, of: Learnable) -> Voice:
        return Voice.of(self._ears.releases[of.live_id].scorer)


def _past(source: Source, earlier: Values, release_id: str) -> Past:
    """What a release makes of a source's sound; ``earlier`` minutes are carried over."""
    stretches = [
        StretchRow(
            source_id=source.source_id,
            release_id=release_id,
            level=incident.level,
            first=len(earlier) + incident.first,
            incident_id=incident_id,
            last=len(earlier) + incident.last,
            peak=incident.peak,
            threshold=incident.threshold,
        )
        for incident_id, incident in past_of(source)
    ]
    return Past(source.source_id, np.concatenate([earlier, source.heard.minutes]), stretches)

"""Put recordings, normal sound and embeddings into files; count what is not kept, and why.

The disk is left some room: the database, which may lie on it too, is to go on.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from rattle.atomic import writing
from rattle.errors import ClipError, StorageError
from rattle.station.records import ClipHeard, Embeddings, NormalHeard
from rattle.station.store import embedding_files, kept_sound
from rattle.station.store.clip_files import keep_clip
from rattle.station.store.rows import ClipDropped, ClipKept
from rattle.station.store.speech import SPEECH_FROM_S, seconds_of_speech

_log = logging.getLogger(__name__)

SPARE_BYTES = 256 << 20


class SoundFiles:
    """The files of a data ``folder``.

    speech: what becomes of recordings and normal sound in which someone speaks. refusal: says why
    no recording is kept at the moment, "" where it is. keeps_normal: whether normal sound is.
    """

    def __init__(
        self,
        folder: Path,
        speech: Literal["drop", "keep"],
        refusal: Callable[[], str] = str,
        *,
        keeps_normal: bool = True,
        spare_bytes: int = SPARE_BYTES,
    ) -> None:
        self._folder, self._speech, self._refusal = folder, speech, refusal
        self._keeps_normal, self._spare_bytes = keeps_normal, spare_bytes
        self.refused_clips = self.speech_clips = self.dropped_embeddings = 0
        self.refused_normal = self.speech_normal = 0
        self.full_disk = ""

    def keep_embeddings(self, embeddings: Embeddings) -> None:
        """Add them to their hour's file."""
        try:
            self._check_room()
            embedding_files.append(self._folder, embeddings)
            self.full_disk = ""
        except StorageError as error:
            self.dropped_embeddings += len(embeddings.ends)
            self._is_full(error)

    def keep_normal(self, heard: NormalHeard) -> None:
        """Write a piece of normal sound, unless someone speaks in it and that is dropped."""
        if not self._keeps_normal:
            return
        try:
            if self._speech == "drop":
                speech = seconds_of_speech(heard.samples, heard.sample_rate_hz)
                if speech > SPEECH_FROM_S:
                    self.speech_normal += 1
                    return
            self._check_room()
            kept_sound.keep(self._folder, heard)
            self.full_disk = ""
        except StorageError as error:
            self.refused_normal += 1
            self._is_full(error)
        except ClipError as error:
            self.refused_normal += 1
            _log.warning("normal sound of source %s is not kept: %s", heard.source_id, error)

    def keep_clip(self, clip: ClipHeard) -> ClipKept | ClipDropped | None:
        """Write a recording; gives the row that says so, or why not, if it is of an incident."""
        refusal = self._refusal()
        if refusal:
            return self._refused(clip, refusal)
        try:
            speech = seconds_of_speech(clip.samples, clip.sample_rate_hz)
            if self._speech == "drop" and speech > SPEECH_FROM_S:
                self.speech_clips += 1
                return _dropped(clip, f"someone speaks in it, for {speech:.1f} s")
            self._check_room()
            kept = keep_clip(self._folder, clip, speech=round(speech, 2))
            self.full_disk = ""
            return kept
        except StorageError as error:
            self._is_full(error)
            return self._refused(clip, "it could not be written: the disk is full or failed")
        except ClipError as error:
            _log.warning("a recording of source %s is not kept: %s", clip.source_id, error)
            return self._refused(clip, str(error))

    def _refused(self, clip: ClipHeard, reason: str) -> ClipDropped | None:
        self.refused_clips += 1
        return _dropped(clip, reason)

    def _check_room(self) -> None:
        with writing(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self._folder).free
        if free < self._spare_bytes:
            raise StorageError(
                f"{self._folder}: only {free / 1e6:.0f} MB of the disk are free, and the database "
                f"is to have {self._spare_bytes / 1e6:.0f} MB; make room"
            )

    def _is_full(self, error: StorageError) -> None:
        if not self.full_disk:
            _log.warning("neither recordings nor normal sound nor embeddings are kept: %s", error)
        self.full_disk = str(error)


def _dropped(clip: ClipHeard, reason: str) -> ClipDropped | None:
    return None if clip.incident_id is None else ClipDropped(clip.incident_id, reason)

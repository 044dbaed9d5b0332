"""Open what ``plant.toml`` names: a sound card, a URL, a folder, samples that others send."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from rattle.listening.ffmpeg import Ffmpeg, is_live
from rattle.listening.sound_card import SoundCard
from rattle.listening.source import Connection
from rattle.listening.source import Source as ListeningSource
from rattle.station.config.model import Source
from rattle.station.hear.folder import WatchedFolder
from rattle.station.hear.push import PushInbox


class Later:
    """A source that is opened when it is connected: the station starts without it.

    A sound card that is not plugged in, or a file that is not there, is looked for again.
    """

    def __init__(self, name: str, live: bool, open_it: Callable[[], ListeningSource]) -> None:
        self.name, self.live = name, live
        self._open = open_it
        self._source: ListeningSource | None = None

    def connect(self) -> Connection:
        """Connect; raises the ``SourceError`` of who cannot be opened."""
        if self._source is None:
            self._source = self._open()
        return self._source.connect()


def source_of(
    source: Source, channel: int | Literal["mean"], data: Path
) -> Later | WatchedFolder | PushInbox:
    """Make a source of sound; nothing is opened yet.

    ``channel`` is the one that the machine's bundle hears; in the folder ``data`` the station
    remembers which recordings were heard. Raises ``SourceError`` where a URL is none.
    """
    if source.samples is not None:
        return PushInbox(source.name, source.samples)
    if source.folder is not None:
        return WatchedFolder(source.folder, data / "heard" / f"{quote(source.name, safe='')}.jsonl")
    if source.url is not None:
        url = source.url.get_secret_value()
        return Later(source.place, is_live(url), lambda: Ffmpeg(url, at_own_speed=True))
    device = source.device or None
    return Later(source.place, True, lambda: SoundCard(device, channel))

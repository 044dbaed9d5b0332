"""Say how the station itself is: what waits, what was lost, what is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Writing:
    """The scribe: records that wait, minutes that were dropped, clips refused, and why.

    dropped_minutes: whose scores were let go since too much waited; what the budget counts of them
    is kept. dropped_embeddings: windows. refused: records that the database cannot hold, by a fault
    of the program. refused_clips: not kept since the disk or the budget is full, or too many wait.
    speech_clips: not kept since someone speaks in them. refused_normal, speech_normal: pieces of
    normal sound that were not, likewise.
    error: why nothing can be written at the moment, else "". since: from when on. full_disk: why
    no clip can be written, else "".
    """

    waiting: int = 0
    written: int = 0
    dropped_minutes: int = 0
    dropped_embeddings: int = 0
    refused: int = 0
    refused_clips: int = 0
    speech_clips: int = 0
    refused_normal: int = 0
    speech_normal: int = 0
    error: str = ""
    since: datetime | None = None
    full_disk: str = ""


@dataclass(frozen=True)
class Kept:
    """What retention found and did: bytes of clips, of these reviewed ones, and the next to go.

    ran: when it last ran, None where it has not yet. normal_pieces: of normal sound, the oldest
    from normal_since on. victims: paths of the clips that go next. removed: files of clips, since
    the start.
    """

    ran: datetime | None = None
    clip_bytes: int = 0
    protected_bytes: int = 0
    clip_budget_bytes: int = 0
    embedding_bytes: int = 0
    normal_pieces: int = 0
    normal_bytes: int = 0
    normal_since: datetime | None = None
    database_bytes: int = 0
    free_bytes: int = 0
    victims: tuple[str, ...] = ()
    removed: int = 0
    error: str = ""


@dataclass(frozen=True)
class ChannelNow:
    """A channel of ``[[tell]]``: notices by their state, of the last four weeks.

    kind: webhook, or the scheme of its address. error: why it cannot be told, "" where it can;
    failing_since: when that was first so, as far as this station knows.
    """

    name: str
    kind: str
    waiting: int = 0
    sent: int = 0
    expired: int = 0
    last_sent: datetime | None = None
    error: str = ""
    failing_since: datetime | None = None


@dataclass(frozen=True)
class BrokerNow:
    """The broker of ``[mqtt]``: whether it is connected, since when that is so, and why not.

    published: messages since the start. refused: messages that came and could not be used, and
    refusal: what the last of these was.
    """

    place: str
    connected: bool = False
    since: datetime | None = None
    error: str = ""
    published: int = 0
    refused: int = 0
    refusal: str = ""


@dataclass(frozen=True)
class StationSeen:
    """A station of the same database: what it is called, and where its page is.

    is_here: it is this one. is_there: it said so lately. until: it was there at least until then.
    machines: how many it hears.
    """

    name: str
    address: str
    is_here: bool
    is_there: bool
    until: datetime
    machines: int


@dataclass(frozen=True)
class Health:
    """All of it. banners: what every page says at its top, the worst first.

    channels: who is told. broker: None where there is none.
    stations: those that share the database, none where it is this one's alone.
    """

    started: datetime
    writing: Writing
    kept: Kept
    banners: tuple[str, ...] = ()
    pages_open: int = 0
    channels: tuple[ChannelNow, ...] = ()
    broker: BrokerNow | None = None
    stations: tuple[StationSeen, ...] = ()

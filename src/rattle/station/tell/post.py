"""Tell what is due: a thread that finds what is new, and sends what waits, channel by channel.

Where a channel fails, what it is to be told waits, in its order, for a day; others go on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Event, Thread

from rattle.errors import StorageError
from rattle.station.config.told import Tell
from rattle.station.health import ChannelNow
from rattle.station.store import notices
from rattle.station.store.database import Database
from rattle.station.store.notices import Notice
from rattle.station.store.reading.lately import Lately, lately
from rattle.station.store.reading.notices import Counts, told
from rattle.station.tell.at_once import AtOnce
from rattle.station.tell.channel import Channel, NotSentError
from rattle.station.tell.finding import LOOKS_BACK, Changes, Past, changes_of
from rattle.station.tell.message import Message
from rattle.station.tell.outbox import next_message, wait_after
from rattle.station.tell.reporting import last_week
from rattle.station.tell.words import Words

_log = logging.getLogger(__name__)

EVERY_S = 2.0
# What is written nowhere, as that a source has been lost for five minutes, is looked for so often.
LOOK_EVERY_S = 30.0


@dataclass(frozen=True)
class Sender:
    """A channel of the file, and what sends to it."""

    tell: Tell
    channel: Channel


class Post:
    """The thread that tells. ``troubles`` says what is wrong with the station itself, by a word."""

    def __init__(
        self,
        database: Database,
        senders: Sequence[Sender],
        words: Words,
        *,
        now: Callable[[], datetime],
        troubles: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._database, self._senders, self._words = database, senders, words
        self._now, self._troubles = now, troubles
        self._since: Mapping[str, datetime] = {}
        self._failing: dict[str, datetime] = {}
        self._counts: Mapping[str, Counts] = {}
        self._is_new, self._look_at, self._error = True, 0.0, ""
        self._woken, self._stopped = Event(), Event()
        self._thread = Thread(target=self._run, name="post", daemon=True)

    def start(self) -> None:
        """Begin; raises ``StorageError`` where the database is away."""
        self.begin()
        self._thread.start()

    def begin(self) -> None:
        """Note from when on new channels are told."""
        names = [sender.tell.name for sender in self._senders]
        with self._database.writing() as session:
            self._since = notices.known_since(session, names, self._now())
        self._count()

    def stop(self, patience_s: float) -> None:
        """End after the message in work; what waits is told after the next start."""
        self._stopped.set()
        self._woken.set()
        self._thread.join(patience_s)

    def wake(self) -> None:
        """Look soon: an incident was stored, or reviewed."""
        self._is_new = True
        self._woken.set()

    @property
    def channels(self) -> tuple[ChannelNow, ...]:
        """How each channel was a moment ago."""
        return tuple(self._channel(sender.tell) for sender in self._senders)

    def look(self) -> None:
        """Find what is to be told at this moment, and note it; give up what is a day late.

        Nobody is kept from writing where there is nothing to note.
        """
        now = self._now()
        with self._database.reading() as session:
            incidents = lately(session, now - LOOKS_BACK)
            keys = notices.keys_of(session, now - LOOKS_BACK)
            at_once = {
                channel: {key: AtOnce(begin) for key, begin in begun.items()}
                for channel, begun in notices.begun_at_once(session).items()
            }
        changes: dict[str, Changes] = {}
        for tell in (sender.tell for sender in self._senders):
            told_of = keys.get(tell.name, {})
            past = Past(
                told_of.keys(),
                self._since[tell.name],
                [*at_once.get(tell.name, {}).values()],
                {key for key, tried in told_of.items() if tried},
            )
            changes[tell.name] = changes_of(tell, past, incidents, self._words, now)
            changes[tell.name].add.extend(self._of_station(tell, past, now))
        if any(change.add or change.take_back for change in changes.values()):
            with self._database.writing() as session:
                for name, change in changes.items():
                    notices.take_back(session, name, change.take_back)
                    notices.add(session, change.add, now)
        self._tidy(_going_on(at_once, incidents), now)
        for sender in self._senders:
            self._report(sender.tell, keys.get(sender.tell.name, {}), now)
        self._count()

    def _tidy(self, going_on: Collection[str], now: datetime) -> None:
        with self._database.reading() as session:
            is_untidy = notices.is_untidy(session, now, going_on)
        if is_untidy:
            with self._database.writing() as session:
                notices.tidy(session, now, going_on)

    def _report(self, tell: Tell, keys: Collection[str], now: datetime) -> None:
        """Note last week's report, where it is due; after the alarms, which do not wait for it."""
        past = Past(keys, self._since[tell.name])
        try:
            with self._database.reading() as session:
                due = last_week(session, tell, past, self._words, now)
        except StorageError:
            raise
        except Exception:
            # A report that cannot be made is to silence no alarm.
            _log.exception("%s is not sent the week's report", tell.name)
            return
        if due:
            with self._database.writing() as session:
                notices.add(session, due, now)

    def send_due(self) -> None:
        """Send what waits, a channel after the other, each until it fails or nothing is due."""
        with self._database.reading() as session:
            due = notices.channels_due(session, self._now())
        for sender in self._senders:
            while sender.tell.name in due and not self._stopped.is_set():
                with self._database.writing() as session:
                    message = next_message(
                        session, sender.tell, self._words.plant, self._now(), self._words.zone
                    )
                if message is None or not self._is_sent(sender, message):
                    break
        if due:
            self._count()

    def _is_sent(self, sender: Sender, message: Message) -> bool:
        name, error = sender.tell.name, ""
        try:
            sender.channel.send(message)
        except NotSentError as refused:
            error = str(refused)
        except Exception as failed:
            # A fault of a library in one channel is not to silence the others. What it says may
            # hold a secret.
            error = f"the station failed to send it ({type(failed).__name__})"
        with self._database.writing() as session:
            if not error:
                self._failing.pop(name, None)
                notices.was_sent(session, message.id, self._now())
                return True
            due = self._now() + wait_after(message.tries)
            notices.was_refused(session, message.id, error, due)
        if name not in self._failing:
            self._failing[name] = self._now()
            _log.warning("%s cannot be told, it is tried again for a day: %s", name, error)
        return False

    def _of_station(self, tell: Tell, past: Past, now: datetime) -> list[Notice]:
        """Say once a day what is wrong with the station itself."""
        if "station" not in tell.about:
            return []
        found = [
            Notice(tell.name, "station", f"{word}:{now:%Y-%m-%d}", now, self._words.trouble(said))
            for word, said in self._troubles().items()
        ]
        return [each for each in found if each.key not in past.keys]

    def _channel(self, tell: Tell) -> ChannelNow:
        count = self._counts.get(tell.name, Counts())
        return ChannelNow(
            name=tell.name,
            kind=tell.kind,
            waiting=count.waiting,
            sent=count.sent,
            expired=count.expired,
            last_sent=count.last_sent,
            error=count.error,
            failing_since=self._failing.get(tell.name) if count.error else None,
        )

    def _count(self) -> None:
        with self._database.reading() as session:
            self._counts = told(session)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                if self._is_new or time.monotonic() >= self._look_at:
                    self._is_new = False
                    self._look_at = time.monotonic() + LOOK_EVERY_S
                    self.look()
                self.send_due()
                self._error = ""
            except StorageError:  # the scribe says so; nothing is lost, it is found again
                self._is_new = True
            except Exception as error:
                # Whatever it is, it is tried again: a thread that ends would tell nobody.
                if str(error) != self._error:
                    self._error = str(error)
                    _log.exception("telling failed, it is tried again")
            self._woken.wait(EVERY_S)
            self._woken.clear()


def _going_on(at_once: Mapping[str, Mapping[str, AtOnce]], incidents: Sequence[Lately]) -> set[str]:
    """Name the keys of machines at once of which one goes on, or did lately."""
    return {
        key
        for of in at_once.values()
        for key, each in of.items()
        if any(each.covers(incident.opened) for incident in incidents)
    }

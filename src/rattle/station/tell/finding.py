"""Find what a channel is to be told, from the incidents as they are stored.

Not from what is written at the moment: an alarm that was stored by a station that was killed, or by
another one, is found as well; and that a source has been lost for five minutes is written nowhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rattle.station.config.told import Tell
from rattle.station.store.notices import AT_ONCE, Notice
from rattle.station.store.reading.lately import Lately
from rattle.station.tell.at_once import AtOnce, new_at_once
from rattle.station.tell.words import Words

# An alarm waits so long for others that have the same cause.
GATHERED = timedelta(seconds=30)
# An incident of a source opens when it was lost for a minute: then it is five.
STAYS = timedelta(minutes=4)
REVIEW_AFTER = timedelta(hours=1)
# What ended before is not looked at any more.
LOOKS_BACK = timedelta(days=7)


@dataclass(frozen=True)
class Past:
    """What a channel was told: the keys of its notices, from when on, and machines at once.

    ``tried`` are the keys of notices that were sent, or may have been: these are not taken back.
    """

    keys: Collection[str]
    since: datetime
    at_once: Sequence[AtOnce] = ()
    tried: Collection[str] = ()


@dataclass(frozen=True)
class Changes:
    """Notices to add, and keys of those that nobody need be told any more."""

    add: list[Notice]
    take_back: list[str]


def changes_of(
    tell: Tell, past: Past, incidents: Sequence[Lately], words: Words, now: datetime
) -> Changes:
    """Find what is new to a channel; ``incidents`` are in the order of their opening."""
    news = [each for each in incidents if _is_news(each, past.since)]
    added: list[Notice] = []
    at_once = list(past.at_once)
    if "alarm" in tell.about:
        opened = [each.opened for each in news if each.kind == "machine"]
        for new in new_at_once(opened, past.at_once):
            covered = [e for e in news if e.kind == "machine" and new.covers(e.opened)]
            body = words.at_once(new.begin, covered)
            added.append(Notice(tell.name, AT_ONCE, f"{AT_ONCE}:{covered[0].id}", now, body))
            at_once.append(new)
    for incident in news:
        added += [
            each
            for each in _of(tell, incident, past, at_once, words, now)
            if each.key not in past.keys
        ]
    back = [_key("review", each) for each in incidents if each.verdict is not None]
    back += [_key("alarm", each) for each in incidents if _is_covered(each, at_once)]
    return Changes(added, [key for key in back if key in past.keys])


def _of(
    tell: Tell,
    incident: Lately,
    past: Past,
    at_once: Sequence[AtOnce],
    words: Words,
    now: datetime,
) -> Iterator[Notice]:
    """Yield what a channel is told of one incident, whether it was before or not."""
    if incident.kind in ("microphone", "source"):
        yield from _of_source(tell, incident, words, now)
    elif incident.kind == "machine" and incident.level == "alarm":
        yield from _of_machine(tell, incident, past, at_once, words, now)


def _of_machine(
    tell: Tell,
    incident: Lately,
    past: Past,
    at_once: Sequence[AtOnce],
    words: Words,
    now: datetime,
) -> Iterator[Notice]:
    ended = incident.ended
    is_told = not _is_covered(incident, at_once)
    if "alarm" in tell.about and is_told:
        at = now + GATHERED if ended is None else ended
        yield _notice(tell, "alarm", incident, at, words.alarm(incident))
    if ended is None:
        return
    # One that was told before the others began has an end as well.
    if "ended" in tell.about and (is_told or _key("alarm", incident) in past.tried):
        # Not before its beginning, which may still wait for others.
        alarm = _key("alarm", incident)
        is_waiting = alarm in past.keys and alarm not in past.tried
        at = max(ended, now + GATHERED) if is_waiting else ended
        yield _notice(tell, "ended", incident, at, words.ended(incident))
    review_at = ended + REVIEW_AFTER
    if "review" in tell.about and incident.verdict is None and now >= review_at:
        yield _notice(tell, "review", incident, review_at, words.review(incident))


def _of_source(tell: Tell, incident: Lately, words: Words, now: datetime) -> Iterator[Notice]:
    if (incident.ended or now) - incident.opened < STAYS:
        return
    if "source" in tell.about:
        at = incident.opened + STAYS
        # What goes on is no old news, however long it has: a new channel is told of it, too.
        at = max(at, now) if incident.ended is None else at
        yield _notice(tell, "source", incident, at, words.source(incident))
    if "ended" in tell.about and incident.ended is not None:
        yield _notice(tell, "ended", incident, incident.ended, words.ended(incident))


def _notice(
    tell: Tell, what: str, incident: Lately, at: datetime, body: dict[str, object]
) -> Notice:
    return Notice(tell.name, what, _key(what, incident), at, body, incident.id)


def _key(what: str, incident: Lately) -> str:
    return f"{what}:{incident.id}"


def _is_news(incident: Lately, since: datetime) -> bool:
    """A channel that is new is told of what goes on, not of what was over before."""
    return incident.ended is None or incident.ended >= since


def _is_covered(incident: Lately, at_once: Sequence[AtOnce]) -> bool:
    return incident.kind == "machine" and any(each.covers(incident.opened) for each in at_once)

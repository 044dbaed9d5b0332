"""Say when a microphone or a source is at fault: unfit for 30 s, lost for 60 s."""

from __future__ import annotations

from datetime import UTC, datetime

from rattle.station.judge.troubles import SourceTroubles

UNFIT_AFTER_S = FIT_AFTER_S = 30.0
LOST_AFTER_S = 60.0
# What is wrong, by the first word of what clips.fitness says.
WORDS = {
    "silent": "the microphone is silent: is it plugged in, switched on?",
    "frozen": "the same sound comes again and again: its driver or camera hangs",
    "clipped": "the sound is clipped at full scale: turn the gain down",
    "damaged": "samples are no numbers, or absurdly large: its driver or sender is at fault",
}


def fault_in_words(fault: str) -> str:
    """Say what is wrong with the sound, and what to look at.

    >>> fault_in_words("clipped: 2.00% at full scale")
    'the sound is clipped at full scale: turn the gain down'
    """
    return WORDS.get(fault.split()[0].rstrip(":"), fault)


class Condition:
    """Watches the windows of one source. Times are UTC, seconds since 1970.

    Where a clock was set back, what began in its future begins now.
    """

    def __init__(self, troubles: SourceTroubles) -> None:
        self._troubles = troubles
        self._unfit_since: float | None = None
        self._fit_since: float | None = None
        self._lost_since: float | None = None

    def window(self, start: float, end: float, fault: str) -> None:
        """Take a window's fault, "" where it has none."""
        at = datetime.fromtimestamp(end, UTC)
        if fault:
            self._fit_since = None
            self._unfit_since = _earlier(self._unfit_since, end)
            if end - self._unfit_since >= UNFIT_AFTER_S:
                self._troubles.say("unfit", fault_in_words(fault), at)
            return
        self._unfit_since = None
        self._fit_since = _earlier(self._fit_since, start)
        if end - self._fit_since >= FIT_AFTER_S:
            self._troubles.over("unfit", at)

    def sound(self, at: float) -> None:
        """Note that sound came."""
        self._lost_since = None
        when = datetime.fromtimestamp(at, UTC)
        self._troubles.over("lost", when)
        self._troubles.over("no windows", when)

    def lost(self, reason: str, at: float) -> None:
        """Note that no sound comes, and why; said again while it lasts."""
        self._unfit_since = self._fit_since = None
        self._lost_since = _earlier(self._lost_since, at)
        if at - self._lost_since > LOST_AFTER_S:
            self._troubles.say("lost", reason, datetime.fromtimestamp(at, UTC))


def _earlier(since: float | None, at: float) -> float:
    return at if since is None else min(since, at)

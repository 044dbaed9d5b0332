"""Find the moments at which a clip is louder or softer than the healthy clips ever are.

A louder band is louder at its loudest moment too; that is news of a moment only by as much as the
moment also stands out from the clip's own mean. So the lesser of both deviations counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rattle.diagnosis.difference import Difference
from rattle.diagnosis.evened import Evened, Healthy, Heard
from rattle.diagnosis.measured import Powers, decibels, moving_mean, pauses
from rattle.diagnosis.resolution import SCALES_S
from rattle.diagnosis.usual import Usual, Values, Yardstick, lesser

FLOOR_DB = 0.5
FLOOR_S = 0.15
SOFTER_DB = 1.0  # than usual a pause is; a clip with one loud moment is soft in the rest of it
LEAST = 0.5


@dataclass(frozen=True)
class Extremes:
    """Levels ``[n, S, C]`` at the loudest or softest moments: as they are, and against the mean."""

    levels: Usual
    against_mean: Usual

    @classmethod
    def of(cls, levels: Values, mean_db: Values) -> Extremes:
        against = levels - mean_db[:, None]
        return cls(*(Usual(each.reshape(len(each), -1), FLOOR_DB) for each in (levels, against)))

    def deviations(self, levels: Values, mean_db: Values) -> Values:
        """Count by how many widths a clip's ``[S, C]`` differ, as ``[S * C]``."""
        return lesser(
            self.levels.deviations(levels.ravel()),
            self.against_mean.deviations((levels - mean_db).ravel()),
        )

    def among_themselves(self) -> Values:
        """Count it of each healthy clip against the rest, ``[n, S * C]``."""
        return lesser(self.levels.among_themselves(), self.against_mean.among_themselves())

    def rank(self, place: int, level: float, against: float, *, is_louder: bool) -> int:
        """Count the healthy clips that are as far, in level or against their own mean."""
        levels, againsts = self.levels.values[:, place], self.against_mean.values[:, place]
        if is_louder:
            return int(np.sum((levels >= level) | (againsts >= against)))
        return int(np.sum((levels <= level) | (againsts <= against)))


@dataclass(frozen=True)
class Times:
    """The healthy clips' loudest and softest moments and longest pauses, and their yardstick."""

    healthy: Healthy
    loudest: Extremes
    softest: Extremes
    pause: Usual
    yardstick: Yardstick

    @classmethod
    def of(cls, healthy: Healthy) -> Times:
        """Learn what is usual from the healthy clips."""
        evened = healthy.evened
        loudest = Extremes.of(evened.loudest_db, evened.mean_db)
        softest = Extremes.of(evened.softest_db, evened.mean_db)
        pause = Usual(evened.pause_s, FLOOR_S)
        parts = (each.among_themselves() for each in (loudest, softest, pause))
        return cls(healthy, loudest, softest, pause, Yardstick.of(_outwards(*parts)))

    def differences(self, heard: Heard) -> list[Difference]:
        """Find unusual moments, the most unusual one of those that overlap."""
        unusual = self.yardstick(self._deviations(heard.evened))
        apart: list[Difference] = []
        for place in np.argsort(-unusual).tolist():
            if unusual[place] < LEAST:
                break
            found = self._difference(heard, float(unusual[place]), place)
            is_no_pause = found.longest_s is not None and found.decibels > -SOFTER_DB
            if not is_no_pause and not any(_overlap(found, other) for other in apart):
                apart.append(found)
        return apart

    def decibels(self, difference: Difference, heard: Heard) -> float:
        """Measure in another clip what ``decibels`` of a difference is in its own."""
        resolution = self.healthy.resolution
        channel = resolution.channels_hz.index((difference.low_hz, difference.high_hz))
        if difference.start_s is None or difference.end_s is None:
            scale = SCALES_S.index(difference.scale_s or SCALES_S[0])
            middle = self.softest.levels.middle[scale * self._channels + channel]
            return float(heard.evened.softest_db[scale, channel] - middle)
        first = round(difference.start_s / resolution.frame_s)
        end = max(round(difference.end_s / resolution.frame_s) - 1, first + 1)
        level = self._level(heard, channel, first, end)
        if difference.longest_s is not None:
            return float(level - np.median(self.healthy.evened.mean_db[:, channel]))
        extremes = self.loudest if difference.is_louder else self.softest
        return float(level - extremes.levels.middle[self._place(channel, end - first)])

    @property
    def _channels(self) -> int:
        return len(self.healthy.resolution.channels_hz)

    def _level(self, heard: Heard, channel: int, first: int, end: int) -> float:
        """Compute a clip's level in a channel from one frame to another."""
        power = heard.powers[channel, first:end].mean(keepdims=True)
        return float(decibels(power)[0] - heard.evened.offset_db)

    def _place(self, channel: int, frames: int) -> int:
        """Find the statistic of the channel whose time scale is the nearest to so many frames."""
        scales = np.log(self.healthy.resolution.scales)
        return int(np.argmin(np.abs(scales - np.log(frames)))) * self._channels + channel

    def _deviations(self, evened: Evened) -> Values:
        return _outwards(
            self.loudest.deviations(evened.loudest_db, evened.mean_db),
            self.softest.deviations(evened.softest_db, evened.mean_db),
            self.pause.deviations(evened.pause_s),
        )

    def _difference(self, heard: Heard, unusual: float, place: int) -> Difference:
        """Describe what the statistic at a place of ``_outwards`` says."""
        which, at = divmod(place, self._channels * len(SCALES_S))
        scale, channel = divmod(at, self._channels)
        if which == 3:
            return self._pause(heard, unusual, channel)
        if which == 2:
            return self._filled(heard, unusual, scale, channel)
        return self._moment(heard, unusual, scale, channel, is_louder=which == 0)

    def _moment(
        self, heard: Heard, unusual: float, scale: int, channel: int, *, is_louder: bool
    ) -> Difference:
        resolution = self.healthy.resolution
        usual = self.loudest if is_louder else self.softest
        reached = (usual.levels.highest if is_louder else usual.levels.lowest)[channel]
        first, end = _stretch(
            heard.powers[channel],
            resolution.scales[scale],
            float(reached + heard.evened.offset_db),
            is_louder=is_louder,
        )
        place = self._place(channel, end - first)
        level = self._level(heard, channel, first, end)
        against = level - float(heard.evened.mean_db[channel])
        edge = usual.levels.highest if is_louder else usual.levels.lowest
        return Difference(
            "time",
            unusual,
            *resolution.channels_hz[channel],
            decibels=float(level - usual.levels.middle[place]),
            beyond_db=float(level - edge[place]),
            rank=usual.rank(place, level, against, is_louder=is_louder),
            start_s=first * resolution.frame_s,
            end_s=(end + 1) * resolution.frame_s,
            scale_s=SCALES_S[scale],
        )

    def _filled(self, heard: Heard, unusual: float, scale: int, channel: int) -> Difference:
        """Describe a clip that is never as soft as the healthy ones are at their softest."""
        place = scale * self._channels + channel
        level = float(heard.evened.softest_db[scale, channel])
        against = level - float(heard.evened.mean_db[channel])
        return Difference(
            "time",
            unusual,
            *self.healthy.resolution.channels_hz[channel],
            decibels=float(level - self.softest.levels.middle[place]),
            beyond_db=float(level - self.softest.levels.highest[place]),
            rank=self.softest.rank(place, level, against, is_louder=True),
            scale_s=SCALES_S[scale],
        )

    def _pause(self, heard: Heard, unusual: float, channel: int) -> Difference:
        resolution = self.healthy.resolution
        first, end = pauses(heard.powers)[channel]
        longest = self.pause.values[:, channel]
        level = self._level(heard, channel, first, end)
        return Difference(
            "time",
            unusual,
            *resolution.channels_hz[channel],
            decibels=float(level - np.median(self.healthy.evened.mean_db[:, channel])),
            beyond_db=float(level - self.softest.levels.lowest[self._place(channel, end - first)]),
            rank=int(np.sum(longest >= heard.evened.pause_s[channel])),
            start_s=first * resolution.frame_s,
            end_s=(end + 1) * resolution.frame_s,
            longest_s=float(longest.max()),
        )


def _stretch(powers: Powers, length: int, reached_db: float, *, is_louder: bool) -> tuple[int, int]:
    """Find the loudest or softest moment of ``length`` frames, and as far as it goes on around.

    A loud one goes on while every three frames are louder than ``reached_db``, a frame of a healthy
    clip at its loudest. A soft one goes on while they are nearer, in dB, to its level than to the
    clip's mean: single frames of it need not be softer than those of a healthy pause.
    """
    sign = 1 if is_louder else -1
    moving = moving_mean(powers, length)
    first = int(np.argmax(sign * moving))
    if not is_louder:
        reached_db = float(decibels(np.stack([moving[first], powers.mean()])).mean())
    around = np.pad(sign * decibels(moving_mean(powers, 3)), 1, mode="edge") > sign * reached_db
    end = first + min(length, len(powers))
    before, after = around[:first][::-1], around[end:]
    first -= len(before) if before.all() else int(np.argmin(before))
    end += len(after) if after.all() else int(np.argmin(after))
    return first, end


def _outwards(loudest: Values, softest: Values, pause: Values) -> Values:
    """Join the deviations that make a moment: ``[..., S C]`` twice and ``[..., C]``.

    A loud moment that is louder, a soft one that is softer, a soft one that is louder, a longer
    pause: ``[..., 3 S C + C]``, none below 0.
    """
    return np.asarray(np.maximum(np.concatenate([loudest, -softest, softest, pause], axis=-1), 0))


def _overlap(one: Difference, other: Difference) -> bool:
    """Tell whether two differences are on the same side at a common time."""
    if one.is_louder != other.is_louder:
        return False
    starts = [each.start_s or 0.0 for each in (one, other)]
    ends = [np.inf if each.end_s is None else each.end_s for each in (one, other)]
    return bool(max(starts) < min(ends))

"""From blocks to hops: nothing unfit is scored, no window spans a gap, alarms are raised."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from made_up_scorer import MadeUpScorer
from rattle import Recipe
from rattle.listening.hops import Gap, Hop, hops_of
from rattle.listening.reconnect import Outage
from rattle.listening.source import Block
from rattle.runtime.stream import Stream
from rattle.scoring.budget.judge import Judge
from rattle.scoring.budget.ledger import Account
from rattle.scoring.budget.rule import AlarmRule
from rattle.scoring.threshold import Threshold

RATE_HZ = 16000
RECIPE = Recipe.load("small").with_values(
    features={"mel_bands": 16, "window_frames": 64}, network={"stem_stride": 1}
)
SOUND = np.random.default_rng(0).normal(0, 0.1, (12 * RATE_HZ, 1)).astype(np.float32)


def scorer(threshold: float = 0.5, recipe: Recipe = RECIPE) -> MadeUpScorer:
    return MadeUpScorer(recipe, Threshold(threshold, 0.05, 0.0, 0.2, 20))


def blocks(sound: NDArray[np.float32], gap: str = "", rate_hz: int = RATE_HZ) -> list[Block]:
    pieces = [sound[i : i + 1600] for i in range(0, len(sound), 1600)]
    return [Block(p, rate_hz, "" if i else gap) for i, p in enumerate(pieces)]


def heard(items: list[Block | Outage], judge: Judge | None = None) -> list[Hop | Gap | Outage]:
    return list(hops_of(items, scorer(), judge))


def judge(level: float) -> Judge:
    """One that has a threshold, a little above this level."""
    minutes = level + np.random.default_rng(0).gumbel(0, 1e-3, size=3000)
    judge = Judge(
        AlarmRule(), hop_s=1.0, budget_per_week=1.0, account=Account(minutes, heard=len(minutes))
    )
    judge.ledger.refit()
    return judge


def test_a_hop_is_the_score_of_the_stream() -> None:
    hops = heard([*blocks(SOUND)])
    expected = Stream(scorer()).push(SOUND)
    assert len(expected) == 11
    assert [hop.start_s for hop in hops if isinstance(hop, Hop)] == [e.start_s for e in expected]
    for hop, score in zip(hops, expected, strict=True):
        assert isinstance(hop, Hop)
        assert hop.score is not None
        assert hop.score.score == pytest.approx(score.score, abs=1e-4)


@pytest.mark.parametrize(
    ("value", "fault"), [(0.0, "silent"), (0.3, "frozen"), (np.nan, "damaged"), (1e30, "damaged")]
)
def test_windows_that_hold_unfit_sound_are_not_scored_and_the_others_are(
    value: float, fault: str
) -> None:
    sound = SOUND.copy()
    sound[6 * RATE_HZ : 7 * RATE_HZ] = value
    hops = [hop for hop in heard([*blocks(sound)]) if isinstance(hop, Hop)]
    for hop in hops:
        # Judged in quarters of a second; the first of a constant is a copy of nothing.
        unfit = hop.start_s < 7 and hop.end_s >= (6.5 if fault == "frozen" else 6.25)
        assert (hop.score is None) == unfit == hop.fault.startswith(fault), hop
    fit = [hop for hop in hops if hop.score is not None]
    assert len(fit) == 8
    assert all(np.isfinite(hop.score.score) for hop in fit if hop.score)


def test_only_the_channel_that_the_recipe_hears_is_judged_and_scored() -> None:
    second = scorer(recipe=RECIPE.with_values(audio={"channel": 1}))
    stereo = np.concatenate([np.full_like(SOUND, np.nan), SOUND], axis=1)
    assert list(hops_of(blocks(stereo), second)) == heard([*blocks(SOUND)])


def test_no_window_spans_a_gap() -> None:
    first, second = SOUND[: 5 * RATE_HZ], SOUND[5 * RATE_HZ :]
    events = heard([*blocks(first), *blocks(second, gap="2.0 s dropped")])
    place = events.index(Gap("2.0 s dropped"))
    alone = [heard([*blocks(first)]), heard([*blocks(second)])]
    assert [events[:place], events[place + 1 :]] == alone


def test_an_outage_is_passed_on_and_sound_of_another_rate_may_follow() -> None:
    outage = Outage("cable", 1.0)
    again = blocks(SOUND[: 6 * RATE_HZ], rate_hz=32000)
    events = heard([*blocks(SOUND[: 4 * RATE_HZ]), outage, *again])
    place = events.index(outage)
    after = events[place + 1 :]
    assert len(after) == 1
    assert isinstance(after[0], Hop)
    assert after[0].start_s == 0


def raised(events: list[Hop | Gap | Outage]) -> list[bool]:
    hops = [hop for hop in events if isinstance(hop, Hop)]
    return [hop.judged is not None and ("alarm", "raised") in hop.judged.changes for hop in hops]


def levels(events: list[Hop | Gap | Outage]) -> set[str | None]:
    return {hop.judged.level for hop in events if isinstance(hop, Hop) and hop.judged}


def test_an_alarm_is_raised_by_the_windows_above_the_threshold() -> None:
    assert raised(heard([*blocks(SOUND)], judge(-9))) == [False, False, True, *[False] * 8]
    assert levels(heard([*blocks(SOUND)], judge(99))) == {None}


def test_nobody_judges_where_no_judge_is_given() -> None:
    assert all(hop.judged is None for hop in heard([*blocks(SOUND)]) if isinstance(hop, Hop))


def test_unfit_windows_raise_no_alarm_and_fill_no_minute() -> None:
    silent = judge(-9)
    assert levels(heard([*blocks(np.zeros_like(SOUND))], silent)) == {None}
    assert silent.ledger.heard == 3000


def test_an_alarm_outlasts_an_outage() -> None:
    events = heard([*blocks(SOUND), Outage("cable", 1.0), *blocks(SOUND)], judge(-9))
    assert sum(raised(events)) == 1
    assert isinstance(events[-1], Hop)
    assert events[-1].judged is not None
    assert events[-1].judged.level == "alarm"

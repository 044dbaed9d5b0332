"""What is said while a machine is learnt: once each time that something changes."""

from __future__ import annotations

import numpy as np

from rattle.cli.terminal.budget_lines import first_line
from rattle.cli.terminal.learning import Learning, incident_lines
from rattle.listening.hops import Hop
from rattle.runtime.stream import StreamScore
from rattle.scoring.budget.judge import Judge
from rattle.scoring.budget.ledger import Account
from rattle.scoring.budget.rule import AlarmRule


def judge(account: Account | None = None) -> Judge:
    return Judge(AlarmRule(1, 1), hop_s=1.0, budget_per_week=1.0, account=account)


def said(of: Judge, scores: list[float]) -> list[str]:
    learning, lines = Learning(of), []
    for place, score in enumerate(scores):
        window = StreamScore(place, place + 8, score, None, None, False)
        hop = Hop(place, place + 8, window, "", of.hop(score))
        lines += learning.hop(hop, f"{place} s")
    return lines


def scores(minutes: int) -> list[float]:
    return [float(score) for score in np.random.default_rng(0).normal(size=60 * minutes)]


def test_the_end_of_learning_names_the_threshold_and_the_oddest_moments() -> None:
    heard = scores(125)
    for place, score in ((600, 9.0), (3000, 8.0), (5000, 7.5), (6000, 7.25), (6500, 7.125)):
        heard[place] = score
    first, second = said(judge(), heard)
    assert first.startswith("provisional: 2 h heard; alarm above ")
    assert "a healthy machine passes it about 0.7 times a week, at most " in first
    assert second == (
        "the oddest moments so far, to listen to: 600 s (9), 3000 s (8), 5000 s (7.5), "
        "6000 s (7.25), 6500 s (7.125)"
    )


def test_each_refit_is_said_once() -> None:
    lines = said(judge(), scores(300))
    assert [line.partition(";")[0] for line in lines if "heard" in line] == [
        "provisional: 2 h heard",
        "provisional: 3 h heard",
        "provisional: 4 h heard",
        "provisional: 5 h heard",
    ]
    assert sum("oddest" in line for line in lines) == 1


def test_minutes_that_are_alike_give_no_threshold_and_that_is_said() -> None:
    (line, oddest) = said(judge(), [0.25] * 121 * 60)
    assert "no alarm is raised: all minutes heard are alike" in line
    assert oddest.startswith("the oddest moments")


def test_the_first_line_says_what_is_missing_and_whether_it_is_kept() -> None:
    half = judge(Account(np.zeros(75), heard=75))
    assert "no alarm is raised until 45 min more of running were heard" in first_line(
        half, is_kept=True
    )
    assert "forgotten" not in first_line(half, is_kept=True)
    assert "forgotten at the end (--state FILE keeps it)" in first_line(half, is_kept=False)


def test_where_an_alarm_begins_or_ends_watch_goes_without_saying() -> None:
    of = judge()
    said(of, scores(125))
    (raised,) = incident_lines(of, (("watch", "raised"), ("alarm", "raised")))
    assert raised.startswith("ALARM: 1 of the last 1 windows above ")
    (raised,) = incident_lines(of, (("watch", "raised"),))
    assert raised.startswith("watch: 1 of the last 1 windows above ")
    ended = incident_lines(of, (("watch", "ended"), ("alarm", "ended")))
    assert list(ended) == ["alarm ended: ten calm minutes"]
    assert not list(incident_lines(of, ()))

"""Write the timeline of a long recording: a CSV, a picture, and its incidents in words."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rattle.errors import ClipError, DataError

if TYPE_CHECKING:
    from rattle.listening.timeline import Moment, Stretch, Timeline
    from rattle.pages.timeline import Span, Step
    from rattle.scoring.budget.judge import Judge

COLUMNS = (
    *("start_s", "end_s", "score", "statistic", "minute", "minute_highest", "stage"),
    *("alarm_threshold", "watch_threshold", "incident", "error"),
)
SUFFIXES = (".csv", ".svg")


def write_timeline(
    bundle: Path, recording: Path, out: Path, state: Path | None, false_alarms: float | None
) -> int:
    """Judge a recording as listening would, and write ``out`` as CSV and SVG.

    Gives 1 where a window was not scored. Raises ``ClipError`` for one shorter than a window.
    """
    from rattle.atomic import write_text
    from rattle.listening.judging import judge_as_stored, judge_of
    from rattle.listening.recording import recording_blocks
    from rattle.listening.timeline import timeline_of
    from rattle.runtime.scorer import Scorer
    from rattle.scoring.budget.rule import AlarmRule

    if out.suffix.lower() not in ("", *SUFFIXES):
        raise DataError(f"--timeline {out}: expected a name that ends in .svg, or .csv; both come")
    scorer = Scorer.load(bundle)
    if false_alarms is not None:
        scorer = scorer.at_rate(false_alarms)
    judge = judge_of(scorer, AlarmRule(), 1.0) if state is None else judge_as_stored(scorer, state)
    timeline = timeline_of(recording_blocks(recording), scorer, judge)
    if not timeline.moments:
        raise ClipError(f"{recording}: shorter than a window; score it without --timeline")
    table, picture = (out.with_suffix(suffix) for suffix in SUFFIXES)
    write_text(table, _csv(timeline))
    write_text(picture, _picture(timeline, recording.name))
    for line in _told(timeline, recording, judge):
        print(line)
    print(f"  {table} {picture}")
    return int(any(moment.fault for moment in timeline.moments))


def _csv(timeline: Timeline) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for moment in timeline.moments:
        is_whole = moment.minute < len(timeline.minutes)
        writer.writerow(
            [
                *(f"{moment.start_s:.3f}", f"{moment.end_s:.3f}", _number(moment.score)),
                _number(moment.y if moment.y > float("-inf") else None),
                moment.minute,
                _number(timeline.minutes[moment.minute] if is_whole else None),
                moment.stage,
                *(_number(moment.alarm), _number(moment.watch)),
                timeline.incident_at(moment) or "",
                moment.fault,
            ]
        )
    return file.getvalue()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.9g}"


def _picture(timeline: Timeline, name: str) -> str:
    from rattle.pages.timeline import Point, Span, draw_timeline

    moments = timeline.moments
    by_budget = any(moment.watch is not None for moment in moments)
    return draw_timeline(
        name,
        timeline.seconds,
        [Point(moment.middle_s, moment.score) for moment in moments],
        _steps(moments, lambda moment: moment.alarm),
        _steps(moments, lambda moment: moment.watch),
        [Span(each.start_s, each.end_s, each.number) for each in timeline.incidents],
        list(_unscored(moments)),
        alarm_name="alarm (until two hours: threshold of clips)"
        if by_budget and moments[0].watch is None
        else ("alarm" if by_budget else "threshold of clips"),
    )


def _steps(moments: tuple[Moment, ...], threshold: Callable[[Moment], float | None]) -> list[Step]:
    from rattle.pages.timeline import Step

    steps = [Step(0.0, threshold(moments[0]))]
    for moment in moments:
        if threshold(moment) != steps[-1].value:
            steps.append(Step(moment.middle_s, threshold(moment)))
    return steps


def _unscored(moments: tuple[Moment, ...]) -> Iterator[Span]:
    """Stretches of windows that were not scored, by their middles."""
    from rattle.pages.timeline import Span

    start_s: float | None = None
    for moment in moments:
        if moment.fault and start_s is None:
            start_s = moment.middle_s
        elif not moment.fault and start_s is not None:
            yield Span(start_s, moment.middle_s)
            start_s = None
    if start_s is not None:
        yield Span(start_s, moments[-1].middle_s)


def _told(timeline: Timeline, recording: Path, judge: Judge) -> Iterator[str]:
    from rattle.cli.terminal.budget_lines import stage_words, thresholds_words
    from rattle.pages.words import counted

    moments, rule = timeline.moments, judge.rule
    yield (
        f"{recording}: {clock(timeline.seconds)}, {counted(len(moments), 'window')}, "
        f"{counted(len(timeline.incidents), 'incident')} ({rule.passes} of {rule.hops} windows "
        "above the threshold)"
    )
    faults = [moment for moment in moments if moment.fault]
    if faults:
        kinds = sorted({re.split(r"[ :]", moment.fault)[0] for moment in faults})
        yield f"  {counted(len(faults), 'window')} not scored: {', '.join(kinds)}"
    if moments[0].watch is None:
        yield (
            f"  the threshold is that of clips, {moments[0].alarm:.4g}, until two hours of running "
            "were heard: no budget of false alarms holds for it (a state file of rattle listen "
            "brings one)"
        )
    if judge.ledger.thresholds:
        yield f"  {stage_words(judge.ledger)}; {thresholds_words(judge.ledger)}"
    yield from map(_incident_line, timeline.incidents)


def _incident_line(each: Stretch) -> str:
    return (
        f"  {each.number}: from {clock(each.start_s)} to {clock(each.end_s)}, highest "
        f"{each.peak:.4g} at {clock(each.peak_s)}"
        f"{'' if each.by_budget else ', by the threshold of clips'}"
    )


def clock(seconds: float) -> str:
    """Write a time in a recording: ``92 s`` below ten minutes, ``1:02:03`` above.

    >>> clock(92.4), clock(3723)
    ('92 s', '1:02:03')
    """
    whole = round(seconds)
    if whole < 600:
        return f"{whole} s"
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"

"""Put a report into words: sections of sentences and tables, for whoever writes them down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from urllib.parse import quote

from rattle.pages.words import counted
from rattle.station.amounts_said import MINUTE_S, rate_said, score_said, span_said
from rattle.station.report.figures import Heard, MachineReport, Report, SourceReport, Verdicts

NONE = "–"
NO_BREAK = "\u00a0"
VERDICTS = ("fault", "false", "unsure", "not reviewed")


@dataclass(frozen=True)
class Cell:
    """A cell of a table; ``href`` is where it leads to, a path of the station, or ""."""

    text: str
    href: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under a head; the first column names the row. ``title`` is "" where the section's is."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Section:
    """The plant's part, or a machine's: ``id`` is the machine's, "" of the plant."""

    id: str
    title: str
    href: str
    sentences: tuple[str, ...]
    tables: tuple[Table, ...]


@dataclass(frozen=True)
class Document:
    """All of it. ``note`` says what to know before reading on: that the week is not over."""

    title: str
    span: str
    note: str
    href: str
    sections: tuple[Section, ...]


def said(report: Report, zone: tzinfo | None = None) -> Document:
    """Put a report into words.

    Times are by the clock of the plant; ``zone`` is None where that is the computer's.
    """
    until = "" if report.is_over else f", so far until {_clock(report.until, zone)}"
    last = report.ends.astimezone(zone)
    sections = [_plant(report)]
    if not report.is_empty:
        sections += [_machine(machine, zone) for machine in report.machines]
    return Document(
        title=f"Week {report.week.number} of {report.week.year}, {report.plant}",
        span=f"{_clock(report.begins, zone)} to {last:%a %d %b %H:%M}{until}, by the plant's clock "
        f"({report.begins.astimezone(zone):%Z})",
        note="" if report.is_over else "This week is not over: what follows is how far it is.",
        href=f"/reports/{report.week}",
        sections=tuple(sections),
    )


def _plant(report: Report) -> Section:
    if report.is_empty:
        sentence = "Nothing was heard of any machine in this week, and nothing happened."
        return Section("", "The plant", "/", (sentence,), ())
    heard = report.heard
    return Section(
        "",
        "The plant",
        "/",
        (*_outcome(report.alarms, report.watches, heard), _listened(heard, "all sources added up")),
        (_overview(report.machines), *_confirmed(report.machines)),
    )


def _overview(machines: Sequence[MachineReport]) -> Table:
    head = ("machine", "alarms", *VERDICTS, "expected", "budget", "watches", "ran", "not heard")
    rows = [
        (
            Cell(each.name, f"#{each.id}"),
            *_numbers(each.alarms.total, *_by_verdict(each.alarms)),
            _whole(_rate(each.heard.expected)),
            _whole(_rate(each.heard.allowed)),
            *_numbers(each.watches.total),
            _whole(_span(max((s.heard.running_s for s in each.sources), default=0.0))),
            _whole(_span(_deaf_s(each.heard))),
        )
        for each in machines
    ]
    return Table("Machine by machine", head, tuple(rows))


def _confirmed(machines: Sequence[MachineReport]) -> Iterator[Table]:
    rows = [
        (Cell(machine.name, f"#{machine.id}"), *_fault(fault.name, fault.times, fault.seconds))
        for machine in machines
        for fault in machine.faults
    ]
    if rows:
        yield Table("Faults that were confirmed", ("machine", *FAULT_HEAD), tuple(rows))


FAULT_HEAD = ("fault", "incidents", "lasted")


def _fault(name: str, times: int, seconds: float) -> tuple[Cell, ...]:
    return Cell(name or "not named"), Cell(f"{times:,}"), Cell(span_said(seconds))


def _machine(machine: MachineReport, zone: tzinfo | None) -> Section:
    href = f"/machines/{quote(machine.name)}"
    if machine.is_empty:
        sentences = ["Nothing was heard of it in this week."]
    else:
        sentences = [*_outcome(machine.alarms, machine.watches, machine.heard)]
    if machine.going_on:
        sentences.append(
            f"{counted(machine.going_on, 'incident')} went on that had begun in a week before."
        )
    sentences += [
        f"Drift, noticed {_clock(each.opened, zone)} by {each.source}: {each.reason}."
        + (f" It was over {_clock(each.ended, zone)}." if each.ended else "")
        for each in machine.drifts
    ]
    sentences += [
        f"Release {each.identity[:12]} came into use {_clock(each.since, zone)}."
        for each in machine.releases
    ]
    tables = [] if machine.is_empty else [*_tables(machine, zone)]
    return Section(machine.id, machine.name, href, tuple(sentences), tuple(tables))


def _tables(machine: MachineReport, zone: tzinfo | None) -> Iterator[Table]:
    levels = [of for of in (machine.alarms, machine.watches) if of.total]
    if levels:
        yield Table(
            "Incidents that began in this week",
            ("level", "all", *VERDICTS),
            tuple((Cell(of.level), *_numbers(of.total, *_by_verdict(of))) for of in levels),
        )
    if machine.newest_alarms:
        rows = [
            (
                Cell(_clock(each.opened, zone), f"/incidents/{each.id}"),
                Cell(span_said(each.seconds) + (", goes on" if each.state == "open" else "")),
                Cell(_verdict(each.verdict, each.fault)),
            )
            for each in machine.newest_alarms
        ]
        yield Table("Its alarms", ("began", "lasted", "verdict"), tuple(rows))
    if machine.faults:
        faults = [_fault(each.name, each.times, each.seconds) for each in machine.faults]
        yield Table("Its faults that were confirmed", FAULT_HEAD, tuple(faults))
    yield _health(machine.sources)
    changes = [
        (
            Cell(source.name),
            Cell(each.level),
            Cell(score_said(each.before)),
            Cell(score_said(each.after)),
            Cell(
                "; ".join(f"{why} ({count} ×)" if count > 1 else why for why, count in each.reasons)
            ),
        )
        for source in machine.sources
        for each in source.thresholds
    ]
    if changes:
        head = ("source", "level", "before", "now", "why")
        yield Table("Thresholds that changed", head, tuple(changes))


def _health(sources: Sequence[SourceReport]) -> Table:
    head = (
        "source",
        "with sound",
        "ran",
        "no sound",
        "not listened",
        "not fit",
        "moved?",
        "faults",
    )
    rows = [
        (
            Cell(each.name),
            _whole(_span(each.heard.sound_s)),
            _whole(_span(each.heard.running_s)),
            _whole(_span(each.heard.lost_s)),
            _whole(_span(each.heard.off_s)),
            Cell("; ".join(_unfit(*part) for part in each.heard.unfit) or NONE),
            _whole(_span(each.heard.moved_s)),
            *_numbers(each.troubles),
        )
        for each in sources
    ]
    return Table("Microphones and sources", head, tuple(rows))


def _unfit(what: str, seconds: float) -> str:
    return f"{what} {span_said(seconds)}".replace(" ", NO_BREAK)


def _outcome(alarms: Verdicts, watches: Verdicts, heard: Heard) -> Iterator[str]:
    """Say what came, and hold the false alarms against the budget."""
    others = counted(watches.total, "watch", "watches") if watches.total else "no watch"
    all_alarms = f"{counted(alarms.total, 'alarm')}: {_verdicts(alarms)}" if alarms.total else ""
    yield f"{all_alarms or 'No alarm'}; {others}."
    if not heard.listened:
        yield "No alarm could be raised: too little was heard for a threshold."
        return
    open_ones = alarms.none + alarms.unsure
    maybe = f", and {open_ones} of which nobody knows" if open_ones else ""
    false = counted(alarms.normal, "false alarm") if alarms.normal else "No false alarm"
    yield (
        f"{false}{maybe}; expected {_rate(heard.expected)}, budget "
        f"{_rate(heard.allowed)} for the {span_said(heard.listened * MINUTE_S)} of running sound "
        "in which an alarm could be raised."
    )


def _verdicts(of: Verdicts) -> str:
    named = zip(_by_verdict(of), VERDICTS, strict=True)
    return ", ".join(f"{count} {word}" for count, word in named if count)


def _by_verdict(of: Verdicts) -> tuple[int, int, int, int]:
    return of.anomaly, of.normal, of.unsure, of.none


def _listened(heard: Heard, of: str) -> str:
    lost = [
        f"for {_span(seconds)} {why}"
        for seconds, why in (
            (heard.lost_s, "no sound came"),
            (heard.off_s, "the station did not listen"),
            (heard.unfit_s, "the sound was not fit to be judged"),
        )
        if seconds >= MINUTE_S
    ]
    return f"{_span(heard.sound_s)} of sound, {of}; {', '.join(lost) or 'nothing was missed'}."


def _deaf_s(heard: Heard) -> float:
    return heard.lost_s + heard.off_s + heard.unfit_s


def _verdict(verdict: str | None, fault: str | None) -> str:
    words = {None: "not reviewed", "anomaly": "fault", "normal": "false", "unsure": "unsure"}
    return words[verdict] + (f": {fault}" if fault else "")


def _whole(amount: str) -> Cell:
    """A cell whose words stay in one line."""
    return Cell(amount.replace(" ", NO_BREAK))


def _numbers(*counts: int) -> tuple[Cell, ...]:
    return tuple(Cell(f"{count:,}" if count else NONE) for count in counts)


def _rate(count: float) -> str:
    return "none" if count <= 0 else rate_said(count)


def _span(seconds: float) -> str:
    return span_said(seconds) if seconds >= 1 else NONE


def _clock(at: datetime, zone: tzinfo | None) -> str:
    return f"{at.astimezone(zone):%a %d %b %H:%M}"

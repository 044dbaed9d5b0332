"""Say in one word how a machine is, and since when: the worst of what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from rattle.pages.words import counted
from rattle.scoring.budget.stages import LEARNT_AFTER_MINUTES
from rattle.station.board import MachineNow, SourceNow

StateKind = Literal[
    "alarm",
    "watch",
    "lost",
    "unfit",
    "learning",
    "connecting",
    "running",
    "unknown",
    "idle",
    "off",
    "ended",
]
# What needs a person comes first, then what is not heard, then what is well.
WORST_FIRST: tuple[StateKind, ...] = get_args(StateKind)
NEEDS_A_LOOK: tuple[StateKind, ...] = ("alarm", "watch", "lost", "unfit")


@dataclass(frozen=True)
class State:
    """How a machine or a source is: its kind, in words, why, and since when.

    is_calm: of an incident that goes on, but is below its threshold at this moment.
    """

    kind: StateKind
    word: str
    reason: str = ""
    since: datetime | None = None
    is_calm: bool = False

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return WORST_FIRST.index(self.kind)

    @property
    def needs_a_look(self) -> bool:
        return self.kind in NEEDS_A_LOOK


def y_now(source: SourceNow) -> float | None:
    """Give Y where the source is scored at this moment: not that of before it was lost."""
    return source.y if source.state == "live" else None


def state_of_source(source: SourceNow) -> State:
    """Say how a source is; whether it is loud is its machine's state."""
    match source.state:
        case "lost":
            return State("lost", "lost", source.reason, source.since)
        case "unfit":
            return State("unfit", "microphone bad", source.reason, source.since)
        case "connecting":
            return State("connecting", "connecting", source.reason, source.since)
        case "ended":
            return State("ended", "heard to its end", source.reason, source.since)
        case "off":
            return State("off", "not listened to", source.reason, source.since)
        case _:
            return _heard(source)


def state_of_machine(machine: MachineNow, opened: Mapping[str, datetime]) -> State:
    """Say how a machine is: its incident first, then its worst source.

    ``opened`` says when open incidents began, by their ids.
    """
    states = [state_of_source(source) for source in machine.sources]
    if machine.level is not None:
        since = None if machine.incident_id is None else opened.get(machine.incident_id)
        is_calm = _is_calm(machine)
        notes = ["calm at the moment; it ends after ten calm minutes"] if is_calm else []
        notes += [
            f"{source.name}: {state.word}"
            for source, state in zip(machine.sources, states, strict=True)
            if state.needs_a_look
        ]
        return State(machine.level, machine.level, "; ".join(notes), since, is_calm)
    if not states:
        return State("off", "no source")
    worst = min(states, key=lambda state: state.rank)
    alike = sum(state.kind == worst.kind for state in states)
    if worst.needs_a_look and len(states) > 1:
        word = f"{alike} of {counted(len(states), 'source')} {worst.word}"
        return State(worst.kind, word, worst.reason, worst.since)
    if worst.rank > WORST_FIRST.index("connecting"):
        # Running where any source hears it run: the others may be too far away.
        return next((each for each in states if each.kind == machine.operating), worst)
    return worst


def _is_calm(machine: MachineNow) -> bool:
    scored = [(y_now(each), each.watch) for each in machine.sources]
    heard = [(y, watch) for y, watch in scored if y is not None and watch is not None]
    return bool(heard) and all(y <= watch for y, watch in heard)


def _heard(source: SourceNow) -> State:
    # A machine that stands still is not being learnt at the moment: that is what to say of it.
    if source.operating in ("idle", "off"):
        return State(source.operating, source.operating, source.reason)
    if source.stage == "learning":
        minutes = min(source.minutes, LEARNT_AFTER_MINUTES)
        return State("learning", f"learning, {minutes} of {LEARNT_AFTER_MINUTES} minutes")
    if source.operating == "unknown":
        return State("unknown", "listening", source.reason)
    return State("running", "running", source.reason)

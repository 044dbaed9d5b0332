"""Say in plain words whether the sound of a new machine is good enough, and what to do if not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rattle.clips.fitness import CLIPPED_SHARE
from rattle.pages.words import counted
from rattle.station.config.model import Machine
from rattle.station.enrol.piece import Piece
from rattle.station.enrol.states import States, states_of
from rattle.station.hear.condition import fault_in_words

SOFT_DBFS = -60.0
# Of the power of the whole sound, hum from a tenth on.
HUM_DB = -10.0
# A speaker now and then is no trouble; in a tenth of the time it is.
SPEECH_SHARE = 0.1
# A third of the pieces may be unfit before it is said to be the microphone.
UNFIT_SHARE = 1 / 3
# What the recipes' encoders hear reaches 8 kHz: of less than half there is too little.
TOP_SHARE = 0.5
STARTS = 2
# Checks look at what was heard last: a gain that was turned down is to be seen.
LATELY = 30


@dataclass(frozen=True)
class Check:
    """What one look at the sound says: whether it is fine, in words, and what to do where not."""

    name: str
    is_fine: bool
    said: str
    todo: str = ""


@dataclass(frozen=True)
class Checked:
    """All checks, the states heard, and how much there is to learn from."""

    checks: tuple[Check, ...]
    states: States
    wanted_s: float

    @property
    def is_enough(self) -> bool:
        """Whether as much was recorded as was asked for."""
        return self.states.usable_s >= self.wanted_s


def checked(
    machine: Machine, pieces: Sequence[Piece], wanted_s: float, highest_khz: float
) -> Checked:
    """Check what was recorded so far; ``highest_khz`` is up to where the encoder hears."""
    states, lately = states_of(machine, pieces), pieces[-LATELY:]
    whole = [piece for piece in lately if not _is_microphone(piece)]
    looks: list[Check] = [_microphone(lately)]
    if whole:
        looks += [look(whole) for look in (_level, _clipping, _hum, _speech)]
        looks.append(_bandwidth(whole, highest_khz))
    looks += [_states(machine, states), _amount(states, pieces, wanted_s)]
    return Checked(tuple(looks), states, wanted_s)


def _microphone(pieces: Sequence[Piece]) -> Check:
    faults = [piece.fault for piece in pieces if _is_microphone(piece)]
    if not pieces:
        return Check("Microphone", True, "No ten seconds of sound yet.")
    if not faults:
        return Check("Microphone", True, "It works: neither silent nor frozen nor damaged.")
    worst = max(sorted({*faults}), key=faults.count)
    said = f"Of the last {_minutes(pieces)}, {_share(len(faults), len(pieces))} is not fit."
    words = fault_in_words(worst)
    is_fine = len(faults) < UNFIT_SHARE * len(pieces) and not _is_microphone(pieces[-1])
    return Check("Microphone", is_fine, said, f"{words[0].upper()}{words[1:]}.")


def _is_microphone(piece: Piece) -> bool:
    """Whether a piece is unfit in another way than by clipping, which has a check of its own."""
    return bool(piece.fault) and not piece.fault.startswith("clipped")


def _level(pieces: Sequence[Piece]) -> Check:
    each = np.array([level for piece in pieces for level in piece.levels_db])
    low, middle, high = np.percentile(each, [5, 50, 95])
    said = f"{middle:.0f} dBFS, mostly between {low:.0f} and {high:.0f}."
    if middle < SOFT_DBFS:
        todo = "That is very soft. Turn the gain up, or bring the microphone nearer."
        return Check("Level", False, said, todo)
    return Check("Level", True, said)


def _clipping(pieces: Sequence[Piece]) -> Check:
    clipped = [piece for piece in pieces if piece.clipped > CLIPPED_SHARE]
    peak = max(piece.peak_db for piece in pieces)
    if not clipped:
        return Check("Clipping", True, f"None; the loudest sample is at {peak:.0f} dBFS.")
    share = max(piece.clipped for piece in clipped)
    said = (
        f"In {_share(len(clipped), len(pieces))} of the last {_minutes(pieces)} samples are at "
        f"full scale, up to {share:.1%} of them."
    )
    return Check("Clipping", False, said, "Turn the gain down until this goes away.")


def _hum(pieces: Sequence[Piece]) -> Check:
    humming = [piece for piece in pieces if piece.mains_hz]
    if len(humming) * 2 < len(pieces):
        return Check("Hum", True, "No lines of the mains stand out.")
    middle = float(np.median([piece.hum_db for piece in humming]))
    mains = max({piece.mains_hz for piece in humming})
    said = (
        f"Lines at {mains} Hz and its multiples stand out; they are {10 ** (middle / 10):.0%} of "
        "the sound's power."
    )
    if middle < HUM_DB:
        return Check("Hum", True, f"{said} That is little.")
    todo = (
        "A motor hums so, and so does a cable beside a power line or a loop over two earths: stop "
        "the machine, and see whether it goes on."
    )
    return Check("Hum", False, said, todo)


def _speech(pieces: Sequence[Piece]) -> Check:
    spoken = [piece for piece in pieces if piece.has_speech]
    if not spoken:
        return Check("Speech", True, f"Nobody spoke in the last {_minutes(pieces)}.")
    said = (
        f"Someone speaks in {_share(len(spoken), len(pieces))} of the last {_minutes(pieces)}; "
        "nothing is learnt from that."
    )
    if len(spoken) < SPEECH_SHARE * len(pieces):
        return Check("Speech", True, said)
    return Check("Speech", False, said, "Record while nobody talks near the microphone.")


def _bandwidth(pieces: Sequence[Piece], highest_khz: float) -> Check:
    top = float(np.median([piece.top_khz for piece in pieces]))
    if top >= highest_khz * (1 - 1 / 16):
        return Check("Bandwidth", True, f"There is sound up to {top:.1f} kHz.")
    said = f"There is nothing above {top:.1f} kHz; the encoder hears up to {highest_khz:.1f} kHz."
    todo = (
        "A telephone's or camera's codec cuts it off. Set the source to 16 kHz or more and to an "
        "uncompressed or AAC sound; a worn bearing or a leak is heard up there."
    )
    return Check("Bandwidth", top > TOP_SHARE * highest_khz, said, todo)


def _states(machine: Machine, states: States) -> Check:
    levels = " and ".join(f"{level:.0f} dBFS ({_time(s)})" for level, s in states.levels_db)
    said = (
        f"{_time(states.running_s)} running, {counted(states.starts, 'start')} heard. "
        + (f"Levels: {levels}." if levels else "")
    ).strip()
    if machine.running == "always" and len(states.levels_db) > 1:
        softest, loudest = states.levels_db[0][0], states.levels_db[-1][0]
        todo = (
            f"It is at times {loudest - softest:.0f} dB softer: where it stands still then, give "
            'it running = "by level", so that rest is not learnt as a sound of it.'
        )
        return Check("States heard", False, said, todo)
    if states.starts < STARTS:
        todo = (
            f"{counted(STARTS, 'start')} or more are better, and every load that it runs at: a "
            "sound that was never heard raises a false alarm."
        )
        return Check("States heard", False, said, todo)
    return Check("States heard", True, said)


def _amount(states: States, pieces: Sequence[Piece], wanted_s: float) -> Check:
    have, wanted = states.usable_s / 60, wanted_s / 60
    said = f"{have:.1f} of {wanted:g} min of running sound, without faults and speech."
    left_out = sum(piece.seconds for piece in pieces) - states.usable_s
    if left_out > 0:
        said += f" {_time(left_out)} more were heard and are not learnt from."
    if states.usable_s >= wanted_s:
        return Check("How much", True, said)
    return Check(
        "How much", False, said, "Record more: a detector made from less raises more false alarms."
    )


def _minutes(pieces: Sequence[Piece]) -> str:
    return _time(sum(piece.seconds for piece in pieces))


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _share(count: int, of: int) -> str:
    return f"{count / of:.0%}"

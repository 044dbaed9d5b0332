"""Say a difference in a sentence that whoever looks after the machine can check by ear."""

from __future__ import annotations

from rattle.diagnosis.difference import Difference

LINES_NAMED = 6
KILOHERTZ_FROM_HZ = 10_000


def sentence(difference: Difference, clips: int) -> str:
    """Say a difference from so many healthy clips in plain English.

    >>> from rattle.diagnosis.difference import Difference
    >>> sentence(Difference("band", 3.0, 2100.0, 3400.0, 12.2, 9.4, 0), clips=60)
    '12 dB louder than usual between 2,100 and 3,400 Hz; 9 dB above the loudest of 60 healthy clips'
    """
    says = {
        "line": _line,
        "moved": _moved,
        "pulse": _pulse,
        "band": _band,
        "time": _time,
        "level": _level,
    }
    return says[difference.kind](difference, clips)


def _line(difference: Difference, clips: int) -> str:
    centre, count = _hz(difference.centre_hz), len(difference.lines_hz)
    if count == 1:
        return f"a line at {centre}, {_usual(difference)}; {_beyond(difference, clips)}"
    if difference.harmonics_of_hz is not None:
        what = f"harmonics of {_hz(difference.harmonics_of_hz)}"
    else:
        what = f"lines {_hz(difference.spacing_hz or 0.0)} apart"
    named = ", ".join(_number(hz) for hz in difference.lines_hz[:LINES_NAMED])
    more = f" and {count - LINES_NAMED} more" if count > LINES_NAMED else ""
    return (
        f"{count} {what} ({named} Hz{more}), at {centre} {_usual(difference)}; "
        f"{_beyond(difference, clips)}"
    )


def _pulse(difference: Difference, clips: int) -> str:
    rate = difference.harmonics_of_hz or difference.centre_hz
    spaced = difference.spacing_hz
    sidebands = f", and {spaced:.0f} times more or less" if spaced is not None else ""
    return (
        f"pulses {rate:.0f} times a second{sidebands} {_between(difference)}, "
        f"{abs(difference.decibels):.0f} dB more than usual; {_beyond(difference, clips)}"
    )


def _moved(difference: Difference, clips: int) -> str:
    lowest, middle, highest = difference.usual_hz
    percent = 100 * (difference.centre_hz / middle - 1)
    others = len(difference.lines_hz) - 1
    with_it = f", and {others} more lines with it" if others > 1 else ""
    with_it = ", and another line with it" if others == 1 else with_it
    return (
        f"the line of {_fine(middle)} Hz lies at {_fine(difference.centre_hz)} Hz, "
        f"{abs(percent):.1f} % {'higher' if percent > 0 else 'lower'}{with_it}; "
        f"in {clips} healthy clips it lies from {_fine(lowest)} to {_fine(highest)} Hz"
    )


def _band(difference: Difference, clips: int) -> str:
    above_all = "" if difference.start_s is None else f", above all {_when(difference)}"
    return f"{_usual(difference)} {_between(difference)}{above_all}; {_beyond(difference, clips)}"


def _time(difference: Difference, clips: int) -> str:
    if difference.longest_s is not None:
        return (
            f"quiet {_when(difference)} {_between(difference)}: the longest such pause in "
            f"{clips} healthy clips is {difference.longest_s:.1f} s"
        )
    if difference.start_s is None:
        return (
            f"never as quiet as usual {_between(difference)}: its softest {difference.scale_s} s "
            f"are {_usual(difference)}; {_beyond(difference, clips)}"
        )
    moment = "loudest" if difference.is_louder else "softest"
    side = "louder" if difference.is_louder else "softer"
    return (
        f"{abs(difference.decibels):.0f} dB {side} {_when(difference)} {_between(difference)} than "
        f"the {moment} moment usually is; {_beyond(difference, clips)}"
    )


def _level(difference: Difference, clips: int) -> str:
    return f"{_usual(difference)} as a whole; {_beyond(difference, clips)}"


def _usual(difference: Difference) -> str:
    side = "louder" if difference.is_louder else "softer"
    return f"{abs(difference.decibels):.0f} dB {side} than usual"


def _beyond(difference: Difference, clips: int) -> str:
    if difference.rank:
        verb = "is" if difference.rank == 1 else "are"
        return f"{difference.rank} of {clips} healthy clips {verb} as far from usual"
    side, outer = ("above", "loudest") if difference.is_louder else ("below", "softest")
    beyond = abs(difference.beyond_db)
    by = f"{beyond:.0f} dB" if beyond >= 0.5 else "just"
    return f"{by} {side} the {outer} of {clips} healthy clips"


def _between(difference: Difference) -> str:
    low, high = (_rounded(hz) for hz in (difference.low_hz, difference.high_hz))
    if high >= KILOHERTZ_FROM_HZ:
        return f"between {low / 1000:.1f} and {high / 1000:.1f} kHz"
    return f"between {_number(low)} and {_number(high)} Hz"


def _rounded(hz: float) -> float:
    """Round the edge of a band to two digits: no fault ends there to the hertz."""
    return float(f"{hz:.2g}")


def _when(difference: Difference) -> str:
    if difference.start_s is None or difference.end_s is None:
        return "all the time"
    if round(difference.start_s, 1) == round(difference.end_s, 1):
        return f"at {difference.start_s:.1f} s"
    return f"from {difference.start_s:.1f} s to {difference.end_s:.1f} s"


def _hz(hz: float) -> str:
    return f"{hz / 1000:.1f} kHz" if hz >= KILOHERTZ_FROM_HZ else f"{_number(hz)} Hz"


def _fine(hz: float) -> str:
    """Name a frequency to about 0.1 %."""
    return f"{hz:.1f}" if hz < 1000 else f"{hz:,.0f}"


def _number(hz: float) -> str:
    return f"{hz:,.0f}"

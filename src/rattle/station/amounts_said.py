"""Write spans of time, scores and rates as people say them."""

from __future__ import annotations

from rattle.pages.words import counted

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400


def span_said(seconds: float) -> str:
    """Write a span in its largest units that matter.

    >>> [span_said(s) for s in (12, 700, 4000, 200_000, 900_000)]
    ['12 seconds', '11 minutes', '1 h 6 min', '2 days 7 h', '10 days']
    """
    if seconds < MINUTE_S:
        return counted(round(seconds), "second")
    if seconds < HOUR_S:
        return counted(int(seconds // MINUTE_S), "minute")
    if seconds < DAY_S:
        return f"{int(seconds // HOUR_S)} h {int(seconds % HOUR_S // MINUTE_S)} min"
    days, hours = int(seconds // DAY_S), int(seconds % DAY_S // HOUR_S)
    return counted(days, "day") + (f" {hours} h" if days < 7 and hours else "")


def score_said(score: float | None) -> str:
    """Write a score to two or three digits; a dash where there is none.

    >>> [score_said(s) for s in (0.4237, 12.34, 1234.5, 0.0393, 0.00121, 0.000012, None)]
    ['0.42', '12.3', '1234', '0.039', '0.0012', '0.0000', '–']
    """
    if score is None:
        return "–"
    size = abs(score)
    if size < 0.1:
        return f"{score:.{3 if size >= 0.01 else 4}f}"
    return f"{score:.2f}" if size < 10 else f"{score:.1f}" if size < 100 else f"{score:.0f}"


def level_said(level_db: float | None) -> str:
    """Write a level in dB of full scale, with a true minus sign.

    >>> level_said(-31.7)
    '−32 dB'
    """
    return "–" if level_db is None else f"{level_db:.0f} dB".replace("-", "−")


def rate_said(per_week: float | None) -> str:
    """Write how many there are a week.

    >>> [rate_said(rate) for rate in (0.004, 0.31, 7.0, None)]
    ['under 0.01', '0.31', '7', '–']
    """
    if per_week is None:
        return "–"
    return "under 0.01" if per_week < 0.01 else f"{per_week:.2g}" if per_week < 100 else "over 100"

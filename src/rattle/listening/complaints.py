"""Take from what ffmpeg complains of the line that says what is wrong, and whether it may mend."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rattle.listening.source import SourceLostError, SourceRefusedError

# Lines that follow on the one which says it, or that say nothing.
EMPTY = re.compile(
    r"^To ignore this, add|^Did you mean|^Error opening input file |^Conversion failed!"
    r"|^Last message repeated|Input/output error$"
)
# What stays as it is until someone does something, and what that is.
LASTING = (
    (
        r"Stream map .* matches no streams|does not contain any stream",
        "no sound in it, ffmpeg finds no audio track; switch the microphone on, or give another",
    ),
    (r"401 Unauthorized|403 Forbidden", "check user and password: rtsp://USER:PASSWORD@HOST/PATH"),
    (r"400 Bad Request|404 Not Found", "check the path, and that the server gives it"),
    (r"Protocol not found", "check how it begins, such as rtsp:// or http://"),
    (r"Invalid data found", "it is no sound that ffmpeg knows, or is damaged; check what it is"),
)


def error_of(name: str, complaints: Sequence[str], code: int) -> SourceLostError:
    """Make the error of an ffmpeg that ended with ``code`` after these last lines.

    ``name`` is what the source is called. ``SourceRefusedError`` where it stays as it is.
    """
    lines = [re.sub(r"^(\[[^]]* @ [^]]*\] )+", "", line) for line in complaints if line]
    for pattern, remedy in LASTING:
        for line in lines:
            if re.search(pattern, line):
                told = "" if "audio track" in remedy else f"{line.removeprefix(f'{name}: ')}; "
                return SourceRefusedError(f"{name}: {told}{remedy}")
    telling = [line for line in lines if not EMPTY.search(line)] or lines
    return SourceLostError(f"ffmpeg: {telling[-1] if telling else f'it ended with code {code}'}")

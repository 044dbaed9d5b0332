"""Child of ``test_damaged_audio``: reads damaged recordings by all that reads recordings."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from damaged_audio import damaged
from watched import serve

from rattle.clips.examine import examine
from rattle.clips.reading import probe, read_clip
from rattle.errors import ClipError
from rattle.recipe import Recipe

T = TypeVar("T")
RECIPE = Recipe.load("small")


def main() -> None:
    folder = Path(sys.argv[1])

    def attempt(case: int) -> str | None:
        made = damaged(case)
        path = folder / f"{case}.{made.suffix}"
        path.write_bytes(made.content)
        wrong = judged(path, is_cut=made.is_cut)
        path.unlink()
        return None if wrong is None else f"{made.how}: {wrong}"

    serve(attempt, spare_megabytes=256)


def judged(path: Path, *, is_cut: bool) -> str | None:
    """What is wrong with how a damaged file is read, None where it is as it has to be."""
    first = refused_or(lambda: read_clip(path))
    mean = refused_or(lambda: read_clip(path, channel="mean"))
    header = refused_or(lambda: probe(path))
    examined = examine(path, RECIPE)
    errors = [found for found in examined.findings if found.severity == "error"]
    # The check looks at all channels, as the mean does.
    if bool(errors) != isinstance(mean, ClipError):
        return f"examined: {errors}; read: {mean}"
    if isinstance(header, ClipError) and not isinstance(first, ClipError):
        return f"read, though not opened: {header}"
    said = [str(error) for error in (first, mean, header) if isinstance(error, ClipError)]
    if any(not message.startswith(f"{path}: ") for message in said):
        return f"an error does not name the file: {said}"
    if any("\n" in message for message in [*said, *(error.message for error in errors)]):
        return f"an error is more than a line: {said}, {errors}"
    sounds = [samples for samples in (first, mean) if isinstance(samples, np.ndarray)]
    if is_cut and sounds:
        return "read as whole"
    return next(filter(None, map(unsound, sounds)), None)


def unsound(samples: np.ndarray) -> str | None:
    """What is wrong with samples that were read."""
    if samples.dtype != np.float32 or samples.ndim != 1 or not samples.size:
        return f"read as {samples.dtype} {samples.shape}"
    return None if np.isfinite(samples).all() else "read with NaN or infinity"


def refused_or(read: Callable[[], T]) -> T | ClipError:
    try:
        return read()
    except ClipError as error:
        return error


if __name__ == "__main__":
    main()

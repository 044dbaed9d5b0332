"""Refuse one recording where several are expected: Python would take it apart."""

from __future__ import annotations

from os import PathLike

import numpy as np

from rattle.errors import DataError


def check_list(given: object, what: str, such_as: str) -> None:
    """Raise ``DataError`` where one path or array was given for ``what``, in place of a list.

    A path would be taken for one clip a letter, an array for one a sample.

    >>> check_list("new.wav", "clips", "new.wav")
    Traceback (most recent call last):
        ...
    rattle.errors.DataError: clips are a list, not one path: put it in brackets, ["new.wav"]
    """
    if isinstance(given, str | bytes | PathLike):
        one, example = "path", f'["{such_as}"]'
    elif isinstance(given, np.ndarray):
        one, example = "array", "[samples]"
    else:
        return
    raise DataError(f"{what} are a list, not one {one}: put it in brackets, {example}")

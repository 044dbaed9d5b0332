"""Check what a bundle holds of a baseline before it is used."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rattle.learning.model import Arrays

# A letter stands for a length of at least one, the same wherever the letter is.
Shape = tuple[int | str, ...]
Number = TypeVar("Number", np.float32, np.float64)


def checked(
    arrays: Arrays,
    dtype: type[Number],
    shapes: Mapping[str, Shape],
    *,
    positive: Collection[str] = (),
) -> dict[str, NDArray[Number]]:
    """Copy the arrays, contiguous like fitted ones, so that sums round alike.

    Raises ``ValueError`` where names, shapes or types are not the ones given, where a value is not
    finite, and where one of an array in ``positive`` is not above 0.
    """
    if missing := shapes.keys() - arrays.keys():
        raise ValueError(f"it lacks arrays that its recipe has: {', '.join(sorted(missing))}")
    if unknown := arrays.keys() - shapes.keys():
        raise ValueError(f"it holds arrays that its recipe has not: {', '.join(sorted(unknown))}")
    lengths: dict[str, int] = {}
    copies = {}
    for name, shape in shapes.items():
        array = arrays[name]
        if array.dtype != dtype or not _fits(array.shape, shape, lengths):
            wanted = ", ".join(str(lengths.get(str(length), length)) for length in shape)
            raise ValueError(
                f"its array {name} is {array.dtype} {list(array.shape)}; by its recipe it is "
                f"{np.dtype(dtype)} [{wanted}]"
            )
        values = np.array(array, dtype=dtype, order="C")
        if not np.isfinite(values).all():
            raise ValueError(f"its array {name} holds NaN or infinity")
        if name in positive and not (values > 0).all():
            raise ValueError(f"its array {name} holds values that are not above 0")
        copies[name] = values
    return copies


def _fits(sizes: tuple[int, ...], shape: Shape, lengths: dict[str, int]) -> bool:
    if len(sizes) != len(shape):
        return False
    for length, wanted in zip(sizes, shape, strict=True):
        if isinstance(wanted, str) and length > 0:
            wanted = lengths.setdefault(wanted, length)
        if length != wanted:
            return False
    return True

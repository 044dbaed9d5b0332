"""Draw values as a small image in one palette, from dark to light. Needs numpy and pillow alone."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Matplotlib's magma, from low to high. A palette of few colours makes a noisy image four times
# smaller and looks the same at this size.
PALETTE = bytes.fromhex(
    "000004 060518 110c2f 1e1149 2f1163 420f75 54137d 651a80"
    "782281 892881 9b2e7f ad347c bf3a77 d0416f e04c67 ed5a5f"
    "f66e5c fb835f fd9869 feac76 fec185 fed597 fde9aa fcfdbf"
)
COLOURS = len(PALETTE) // 3


def palette_png(values: NDArray[np.floating], low: float, high: float) -> bytes:
    """Draw ``values [rows, columns]``, the first row at the top, as a PNG file.

    ``low`` and what is below is the darkest colour, ``high`` and what is above the lightest.
    """
    shade = np.clip((values - low) / max(high - low, 1e-9), 0, 1)
    image = Image.fromarray(np.rint(shade * (COLOURS - 1)).astype(np.uint8))
    image.putpalette(PALETTE)
    png = io.BytesIO()
    image.save(png, "PNG", optimize=True)
    return png.getvalue()

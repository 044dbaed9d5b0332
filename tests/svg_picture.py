"""An SVG taken apart; a picture that is not well formed is an error."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

SVG = "{http://www.w3.org/2000/svg}"
Element = ElementTree.Element


def svg_picture(text: str) -> Element:
    """The outermost element."""
    return ElementTree.fromstring(text.encode())  # noqa: S314, we drew it


def svg_file(path: Path) -> Element:
    """The outermost element of a file."""
    return svg_picture(path.read_text(encoding="utf-8"))

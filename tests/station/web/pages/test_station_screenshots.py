"""The docs show every picture that the script takes, and each is small."""

from __future__ import annotations

import ast
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).parents[4] / "docs"
MOST_BYTES = 150_000


def shots() -> set[str]:
    """Names of the pictures, of the script's own table: running it takes a browser."""
    tree = ast.parse((DOCS / "screenshots.py").read_text())
    (table,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SHOTS"
    ]
    assert isinstance(table, ast.Dict)
    return {str(ast.literal_eval(key)) for key in table.keys if key is not None}


def test_every_picture_is_there_small_and_shown() -> None:
    files = {path.stem: path for path in (DOCS / "figures" / "station").glob("*.png")}
    assert set(files) == shots()
    text = (DOCS / "explanation" / "pages.md").read_text()
    for name, path in files.items():
        assert path.stat().st_size <= MOST_BYTES, name
        with Image.open(path) as picture:
            assert picture.mode == "P", name
        assert f"station/{name}.png" in text, name

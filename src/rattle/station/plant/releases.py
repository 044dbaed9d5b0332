"""Take a machine's bundle into use: checked, and copied to where nobody changes it.

An incident names its release for years; the file that the plant's owner gave may be another one
tomorrow.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from rattle.atomic import replacing
from rattle.runtime.scorer import Scorer


@dataclass(frozen=True)
class Release:
    """A bundle in use: opened to score, and its copy."""

    scorer: Scorer
    path: Path

    @property
    def encoder(self) -> str:
        """The hash of its graph: embeddings of one encoder compare."""
        return self.scorer.graph.identity


def take_into_use(bundle: Path, releases: Path) -> Release:
    """Open a bundle and copy it to ``releases``, named by its content.

    Raises ``BundleError`` where it is damaged or holds no graph, ``StorageError`` where it cannot
    be copied.
    """
    scorer = Scorer.load(bundle)
    copy = releases / f"{scorer.identity}.rattle"
    if not copy.exists():
        with replacing(copy) as beside:
            shutil.copyfile(bundle, beside)
        scorer = Scorer.load(copy)
    return Release(scorer, copy)

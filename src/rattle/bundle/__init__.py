"""Keep a detector in one file, and read it without trusting it.

``file`` writes and reads the bundle, ``schema`` is what its ``bundle.json`` says, ``replay`` the
features that it keeps to be adapted with. Encoder and head are apart in it. Begin with ``file``.
"""

from rattle.bundle.file import (
    Bundle,
    ScoringBundle,
    read_bundle,
    read_scoring_bundle,
    write_bundle,
)
from rattle.bundle.schema import BundleInfo

__all__ = [
    "Bundle",
    "BundleInfo",
    "ScoringBundle",
    "read_bundle",
    "read_scoring_bundle",
    "write_bundle",
]

"""Make detectors and use them.

A ``Detector`` is a value: load, save, score, verify. ``fit`` and ``adapt`` prepare what one learns
from, ``finish`` trains, calibrates and seals it, ``export`` adds the graph that scores without
torch. Begin with ``detector``; the public functions are ``rattle.fit``, ``rattle.adapt`` and
``rattle.export``.
"""

from rattle.detector.detector import Detector

__all__ = ["Detector"]

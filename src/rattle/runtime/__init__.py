"""Scores clips and streams from a bundle with numpy and ONNX Runtime: no torch."""

from rattle.runtime.scorer import Scorer
from rattle.runtime.stream import Stream, StreamScore

__all__ = ["Scorer", "Stream", "StreamScore"]

"""Score clips and streams with numpy and ONNX Runtime: no torch.

``clip_scorer`` is what every way of scoring shares: scores, decisions, verification. ``graph`` runs
an encoder, ``scorer`` scores recordings by it, ``stream`` a sound that goes on, from the one
``channel`` that is heard. Begin with ``Scorer``.
"""

from rattle.runtime.scorer import Scorer
from rattle.runtime.stream import Stream, StreamScore

__all__ = ["Scorer", "Stream", "StreamScore"]

"""Score clips and streams, learn by a head, and explain, with numpy and ONNX Runtime: no torch.

``clip_scorer`` is what every way of scoring shares: scores, decisions, verification. ``graph`` runs
an encoder, ``scorer`` scores recordings by it, ``stream`` a sound that goes on, from the one
``channel`` that is heard. ``adapt_head`` lets a head learn from labelled clips, by ``refit``, and
``change`` says what that changed. ``explanation`` says why a clip is an alarm; ``said`` and
``picture`` show it. ``rehearsal`` lays synthetic faults over ``healthy`` clips, ``rehearsal_said``
tells which were found. Begin with ``Scorer``.
"""

from rattle.runtime.adapt_head import AdaptedHead, learn
from rattle.runtime.explanation import Explanation, explain
from rattle.runtime.healthy import stored_clips
from rattle.runtime.rehearsal import Rehearsal, rehearse
from rattle.runtime.scorer import Scorer
from rattle.runtime.stream import Stream, StreamScore

__all__ = [
    "AdaptedHead",
    "Explanation",
    "Rehearsal",
    "Scorer",
    "Stream",
    "StreamScore",
    "explain",
    "learn",
    "rehearse",
    "stored_clips",
]

"""Listen to live sound: fetch it, judge whether it is fit to be scored, raise alarms.

A ``source`` (``sound_card``, ``ffmpeg``, ``standard_input``) gives blocks; ``backlog`` and
``reconnect`` keep them coming, ``fitness`` judges them, ``alarm`` counts. Begin with ``hops``.
"""

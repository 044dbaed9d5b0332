"""Listen to sound: fetch it, judge whether it is fit to be scored, raise alarms.

A ``source`` (``sound_card``, ``ffmpeg``, ``standard_input``, the last two by ``pcm``) gives blocks
of sound; ``address`` shows where it is, without a password. ``backlog`` reads a live one in a
thread, ``reconnect`` connects a lost one again. ``windows`` embeds it, each window with what is
wrong with it (``clips.fitness``); ``hops`` scores them, and what the scores come to is for
``scoring.budget`` to judge; ``state`` stores what it learnt. Begin with ``hops.hops_of``, which
joins them.
"""

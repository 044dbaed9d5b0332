"""Find recordings, read them, and list them as a manifest.

``layouts`` recognises how people lay recordings out in folders and lists them as a ``manifest``, a
table with one row a clip, which every other room takes. ``reading`` decodes a clip, ``writing``
writes one, ``pcm16`` holds what 16-bit samples mean, ``amplitude`` a machine's statistics.
``hearing`` reads a clip and judges it: ``fitness`` (with ``repeats``) says whether it is fit,
``recorder`` whether it was recorded as others were; ``unfit`` names what is left out.
``cutting`` makes clips of a long recording, each an ``excerpt``; ``length`` says what is too short.
``check`` (with ``examine``) says what is wrong with a set of recordings, ``labelled`` lists what
someone labelled, ``download`` fetches public data sets. Begin with ``layouts.load_manifest``.
"""

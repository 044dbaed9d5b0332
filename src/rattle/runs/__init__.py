"""Own the run folder: write it, find it, read it.

``folder`` names every file in it. ``write`` fits or adapts in one, ``machines`` does so for many
machines as tasks of a grid. ``score`` scores a model's test clips and leaves an ``outcome``.
``find`` looks for run folders, ``read`` reads them and notes what is damaged. Begin with
``folder``.
"""

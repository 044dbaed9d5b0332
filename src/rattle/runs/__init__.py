"""Own the run folder: write it, find it, read it.

``folder`` names every file in it. ``write`` trains or adapts in one, ``machines`` does so for many
machines; ``outcome`` is what a scored model leaves. ``find`` looks for run folders, ``read`` reads
them and notes what is damaged. Begin with ``folder``.
"""

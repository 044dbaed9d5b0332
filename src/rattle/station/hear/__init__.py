"""Hear a plant's sources: sound -> windows, each fit or not, of a machine that runs or not.

Begin with ``ear.Ear``.
"""

"""Run many tasks, each in its own process, and go on where they were stopped.

``run`` gives tasks to workers, parents first; ``local`` are processes of this machine, ``cluster``
those of a Ray cluster. What a task does, and what tasks share, is known to the room that makes
them: a cell of an experiment, or one machine's training. Begin with ``run``.
"""

"""Train networks: the paper's losses on two class centroids.

``data`` and ``outliers`` choose what is learnt from, ``batches`` draws windows of it. ``networks``
holds the encoders, ``losses`` equations 1 to 4, ``centroids`` c_p and c_n; ``train`` is the loop,
which ``checkpoint`` lets go on. ``inference`` scores by what was trained. Begin with ``train``.
"""

"""Compute features of clips, log-mels and samples, once for every run.

``log_mel`` is the transform, ``graph_log_mel`` the same for a bundle's ONNX graph, ``front_end``
goes from a file to its features, ``store`` keeps them, amplitude statistics and ``facts`` of each
clip on disk. ``sieve`` leaves out clips that nothing can be learnt from. Begin with
``store.FeatureStore``.
"""

"""Compute log-mel features of clips, once for every run.

``log_mel`` is the transform, ``graph_log_mel`` the same for a bundle's ONNX graph, ``front_end``
goes from a file to its log-mel, ``store`` keeps log-mels and amplitude statistics on disk. Begin
with ``store.FeatureStore``.
"""

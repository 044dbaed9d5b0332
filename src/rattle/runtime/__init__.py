"""Scores clips and streams from a bundle with numpy and ONNX Runtime: no torch."""

"""A policy file in, predictions out.

Only `torchscript`, `torch_export`, `onnx` and `openvino` need the runtime of their name, so
nothing is imported here: `load` imports the one that a file needs.
"""

"""A policy file in, predictions out.

`manifest` and `fit` need no torch; `torchscript` does, so nothing is imported here.
"""

"""Joints and cameras of two robots that do the same, and so share a slot of the model."""

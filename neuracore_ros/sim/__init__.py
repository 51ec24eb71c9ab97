"""Simulated robots on real topics. Only ``bridge``, ``serve`` and ``operator`` need ROS."""

"""Simulated robots on real topics. Only ``bridge``, the executable and ``operator`` need ROS."""

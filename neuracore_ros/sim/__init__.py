"""Simulated robots on real topics. Only ``robot_node`` needs ROS; the rest is NumPy and OpenCV."""

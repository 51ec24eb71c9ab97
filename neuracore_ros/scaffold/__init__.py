"""A first robot file, drafted from recordings, a running graph, a URDF and another robot."""

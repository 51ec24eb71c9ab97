"""Robot files drafted from what there is: recordings, a running graph, a URDF, another robot."""

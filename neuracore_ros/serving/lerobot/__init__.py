"""A LeRobot checkpoint, judged, loaded and mapped to slots, as a policy that is served."""

"""Links and joints of an arm in space, by pinocchio (extra ``kinematics``)."""

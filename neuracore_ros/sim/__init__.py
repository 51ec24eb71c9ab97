"""neuracore_ros.sim"""

"""neuracore_ros.policy"""

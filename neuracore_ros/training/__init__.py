"""neuracore_ros.training"""

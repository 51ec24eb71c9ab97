"""neuracore_ros.cli"""

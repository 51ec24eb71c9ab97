"""neuracore_ros.description"""

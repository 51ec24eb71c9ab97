"""neuracore_ros.node"""

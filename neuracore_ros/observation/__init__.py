"""neuracore_ros.observation"""

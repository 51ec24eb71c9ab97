"""neuracore_ros.command"""

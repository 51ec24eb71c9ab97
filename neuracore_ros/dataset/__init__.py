"""neuracore_ros.dataset"""

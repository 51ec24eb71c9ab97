"""The ROS 2 shell: parameters, subscriptions, publishers, diagnostics. No arithmetic."""

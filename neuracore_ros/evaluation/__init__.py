"""What a policy would have done on recordings, by the node's own runner."""

"""What tests of several folders share: robots, recordings, policies, nodes and processes."""

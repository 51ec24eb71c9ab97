"""Which joints and cameras of two robots do the same, and so share a slot of the model."""

"""A dataset in, batches for training out."""

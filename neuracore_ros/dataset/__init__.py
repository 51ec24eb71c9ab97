"""Bags in, dataset out, batches out."""

"""Recordings of a robot in, episodes of a dataset out."""

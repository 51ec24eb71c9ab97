"""Recordings of any kind, read and written; knows nothing of robots."""

"""Predictions in, safe joint commands out; numpy only."""

"""Robots beside each other by index, and beside a policy: as text, JSON and a picture."""

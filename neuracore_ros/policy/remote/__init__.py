"""A policy that a server executes: its address or its server file in, predictions out."""

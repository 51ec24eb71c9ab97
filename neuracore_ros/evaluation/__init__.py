"""Policies replayed over recordings, by the node's own runner."""

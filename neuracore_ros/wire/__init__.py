"""Frames over a socket: how they are packed, sent and awaited; nothing here knows a policy."""

"""A policy in, a server out: what ``neuracore_ros serve`` runs."""

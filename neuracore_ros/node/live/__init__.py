"""`check --live` and `describe --live`: what a running graph holds, and what that means."""

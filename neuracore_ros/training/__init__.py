"""A dataset in, a policy file out: normalisers, encoders, policies, loop, export."""

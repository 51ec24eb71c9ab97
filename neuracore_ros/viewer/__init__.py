"""Robots side by side in 3D, in a browser: which slot moves what, for ``align``."""

"""Episodes of datasets in, a new dataset out; no number and no image of them changes."""

"""The format of a dataset: its files, its metadata, and how episodes are added."""

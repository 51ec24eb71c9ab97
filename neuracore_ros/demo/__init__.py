"""The whole way once, on simulated robots: record, convert, train, launch, move."""

"""Untrained stand-in weights of SD1.5's layout, for tests and benchmarks."""

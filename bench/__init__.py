"""Benchmarks: each prints a ratio to a floor visited in the same run, its method, and the machine."""

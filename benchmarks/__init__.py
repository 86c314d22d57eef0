"""Benchmarks of tasq beside its peers and beside what the databases can do: see RESULTS.md."""

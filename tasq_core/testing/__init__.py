"""Test kit for programs that use tasq. The pytest plugin loads by itself where pytest is used."""

"""The fleet: who works, what is paused, what attempts died of. Kept in side tables.

The tables stand beside the task table, which Go programs share; Go never sees them.
"""

"""The parts screens are made of: they are given data, and post messages."""

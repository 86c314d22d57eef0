"""Keyboard input in order, and the generated key reference."""

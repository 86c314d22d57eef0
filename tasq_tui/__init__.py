"""The `tasq` command and the terminal cockpit, over tasq_core."""

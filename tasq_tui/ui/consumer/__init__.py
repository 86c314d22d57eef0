"""The Consumer screen."""

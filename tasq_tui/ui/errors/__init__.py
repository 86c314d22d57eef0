"""The Errors screen."""

"""The Queues & types screen."""

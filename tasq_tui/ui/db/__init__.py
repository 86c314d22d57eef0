"""Database access of the app: query threads, polling, cached statistics."""

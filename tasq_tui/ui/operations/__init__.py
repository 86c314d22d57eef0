"""Changes made from the app: confirm, run, record, undo."""

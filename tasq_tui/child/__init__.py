"""The process that runs the user's handlers for the app, and the app's end of it.

    app ── commands, JSON lines on stdin ──▶ child     (their end: the app is gone)
    app ◀── events, JSON lines on a descriptor of their own ── child
    app ◀── what handlers write to 1 and 2 past Python ── child

A handler that prints, hangs, floods, exits or crashes harms the child alone.
"""

"""Doors for other libraries' connections and sessions, one file each.

Nothing imports these modules by name: `tasq_core.repository.joining` finds the one for an object by
the module its class comes from, so that only libraries a program already uses are loaded.
"""

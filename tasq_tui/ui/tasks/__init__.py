"""The Tasks screen: filter, list and detail."""

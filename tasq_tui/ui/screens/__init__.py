"""The six screens; each is a `CockpitScreen` made with the app's session."""

"""What the command line and the app both do; draws nothing."""

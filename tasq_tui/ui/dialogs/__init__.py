"""What is asked in front of a screen: modal, answered by one value."""

"""One command, every verb; composes, decides nothing."""

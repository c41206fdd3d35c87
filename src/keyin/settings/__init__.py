"""From a grant and a device to settings; knows no tokens."""

"""The local flow manager process: turns a key into applied settings."""

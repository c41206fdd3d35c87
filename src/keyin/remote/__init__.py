"""The other process, which may be down, slow or lying."""

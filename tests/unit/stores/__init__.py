"""The stores, looked at from inside."""

"""The pages that people see in a browser: signing in, approving, their account."""

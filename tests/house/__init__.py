"""The house rules: what reviewers would otherwise have to look for."""

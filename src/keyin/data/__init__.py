"""Data that ships with the package: registry, sample people, message catalogues."""

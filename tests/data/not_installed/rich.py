"""Stands for a package that no installation has: only tools of a developer bring it."""
# ruff: noqa: INP001 - found by its folder, as what is installed is

raise ModuleNotFoundError("rich is not installed on anybody's computer", name="rich")

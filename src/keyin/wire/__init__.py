"""Shapes that cross a process boundary, written once for both ends; decides nothing."""

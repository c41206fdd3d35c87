"""The cloud process: parse, call, render."""

"""keyin: carry a key, key in at any computer, and it becomes usable for you.

Importing this package, or any module of it, does nothing.
"""

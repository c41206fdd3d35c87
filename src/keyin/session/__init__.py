"""Key-in as a sequence with undo; knows no HTTP and no operating system."""

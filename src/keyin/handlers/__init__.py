"""Each mechanism of a computer is a craft, over one System port."""

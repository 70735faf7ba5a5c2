"""Draw the original flat illustrations that the site is founded with."""

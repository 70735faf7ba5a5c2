"""Hold the French texts that the site is founded with; the editors change them afterwards."""

"""What the page store saves against the servers that towns run."""

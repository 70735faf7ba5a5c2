"""What is used, what it costs, who pays: usage, energy, costs, statements, quotes."""

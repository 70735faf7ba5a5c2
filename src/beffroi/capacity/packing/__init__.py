"""Vectors into bins: the fewest bins, with a bound that proves it; knows no word of the trade."""

"""Quotes: a tender's needs in, a priced answer out."""

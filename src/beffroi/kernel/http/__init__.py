"""What every HTTP door shares: one shape for errors, one way to know who asks."""

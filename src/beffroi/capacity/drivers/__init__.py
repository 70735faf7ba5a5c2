"""What makes plans: one driver, a process apart."""

"""Questions over entities: what they reach, how they are answered and which indexes they earn."""

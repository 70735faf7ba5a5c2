"""What entities of a type should look like, and how well they do."""

"""Those who want to be told of changes, and telling them."""

"""What the console looks at: types, entities, their course, an overview."""

"""JSON of entities, both ways, and what requests change."""

"""Models, surveys and quality on a real database."""

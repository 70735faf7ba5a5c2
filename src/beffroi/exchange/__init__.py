"""The exchange: entities, their history, who is told of them, and the doors they come by."""

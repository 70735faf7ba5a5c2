"""The few mechanisms that every domain uses; no trade knowledge."""

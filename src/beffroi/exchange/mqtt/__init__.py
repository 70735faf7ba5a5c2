"""MQTT: the door for uplinks, the town's own brokers, and receivers of notifications."""

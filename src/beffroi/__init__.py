"""beffroi, the shared digital platform of a territory."""

__version__ = "0.1.0"

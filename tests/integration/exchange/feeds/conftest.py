from tests.integration.exchange.api.conftest import askers

__all__ = ["askers"]

"""Finding the platform that a command asks."""

import os

from beffroi.app.ownership import read_control
from beffroi.app.settings import chosen_data_folder
from beffroi.kernel.errors import NotFoundError
from beffroi.kernel.http.client import ApiClient, client_over_network, client_over_socket
from beffroi.kernel.http.command_line import set_connection, told_language

__all__ = ["connected", "told_language"]


def connected() -> ApiClient:
    """Reach ``BEFFROI_URL`` with ``BEFFROI_TOKEN``, else the platform of this machine.

    Raises:
        NotFoundError: No platform was ever started here.
    """
    url = os.environ.get("BEFFROI_URL", "")
    if url:
        token = os.environ.get("BEFFROI_TOKEN", "")
        return client_over_network(url, token, told_language())
    data = chosen_data_folder(os.environ)
    control = read_control(data)
    if control is None:
        raise NotFoundError("app.nothing_runs", data=data)
    return client_over_socket(control.socket, control.token, told_language())


set_connection(connected)

"""The ports the images listen on. They are the images' contract, not ours to choose."""

from typing import Final

POSTGRES_PORT: Final = 5432
MQTT_PORT: Final = 1883
WEBSOCKET_PORT: Final = 9001
API_PORT: Final = 3002
DASHBOARD_PORT: Final = 80

"""The ports the programs listen on. They are the images' contract, not ours to choose."""

from typing import Final

POSTGRES_PORT: Final = 5432
MQTT_PORT: Final = 1883
MQTTS_PORT: Final = 8883
WEBSOCKET_PORT: Final = 9001
API_PORT: Final = 3002
DASHBOARD_PORT: Final = 80
USAGE_PORT: Final = 9090
"""Of the billing exporter, which listens where its environment tells it."""

POSTGRES_METRICS_PORT: Final = 9187
MQTT_METRICS_PORT: Final = 9234

NODE_RED_PORT: Final = 1880
PROMETHEUS_PORT: Final = 9090
GRAFANA_PORT: Final = 3000

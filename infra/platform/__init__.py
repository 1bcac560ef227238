"""What all customers stand on: the namespaces the policies name, priorities, the MQTT edge."""

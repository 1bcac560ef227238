"""What all customers stand on: the namespaces the policies name, priorities, and later the edge."""

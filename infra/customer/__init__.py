"""One customer's instance: a namespace with a database, a broker, an API and a dashboard of its own."""

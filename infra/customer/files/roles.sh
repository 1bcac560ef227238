#!/bin/sh
# Runs at every start of the database, after it accepts connections. Over the local socket the
# superuser needs no password, so a password whose epoch was raised can be set without the old one.
set -eu
attempt=0
until pg_isready --quiet --host=127.0.0.1; do
  attempt=$((attempt + 1))
  [ "$attempt" -lt 240 ] || { echo "the database did not start within two minutes" >&2; exit 1; }
  sleep 0.5
done
exec psql --quiet --no-psqlrc --username=postgres --dbname=postgres --file=/etc/iotistic/roles.sql

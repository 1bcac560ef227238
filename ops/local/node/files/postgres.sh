#!/bin/sh
# Starts PostgreSQL as the official image does, as far as this project relies on it:
#   POSTGRES_USER           name of the superuser
#   POSTGRES_PASSWORD_FILE  file with the superuser's password
#   POSTGRES_INITDB_ARGS    more arguments for initdb
#   PGDATA                  folder of the data
#   /docker-entrypoint-initdb.d/*.sql are run once, in order, on an empty volume
set -eu

case "${1:-}" in
    -*) set -- postgres "$@" ;;
esac

if [ "$1" = postgres ]; then
    shift
    if [ ! -s "$PGDATA/PG_VERSION" ]; then
        mkdir -p "$PGDATA"
        chmod 0700 "$PGDATA"
        # The arguments are words apart on purpose.
        # shellcheck disable=SC2086
        initdb --pgdata="$PGDATA" --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" \
            ${POSTGRES_INITDB_ARGS:-}
        printf '\nhost all all all scram-sha-256\n' >> "$PGDATA/pg_hba.conf"
        # Nobody else is let in before the scripts have run.
        pg_ctl --pgdata="$PGDATA" --options="-c listen_addresses=''" --wait start
        for script in /docker-entrypoint-initdb.d/*.sql; do
            [ -e "$script" ] || continue
            psql --set=ON_ERROR_STOP=1 --no-psqlrc --no-password --username="$POSTGRES_USER" \
                --dbname=postgres --file="$script"
        done
        pg_ctl --pgdata="$PGDATA" --mode=fast --wait stop
    fi
    set -- postgres -c "listen_addresses=*" "$@"
fi
exec "$@"

#!/bin/sh
# Starts Redis as the official image does: in /data, and open to other pods, since who may
# connect is a network policy's to say.
set -eu

case "${1:-redis-server}" in
    -* | *.conf) set -- redis-server "$@" ;;
esac
if [ "${1:-redis-server}" = redis-server ]; then
    [ $# -eq 0 ] || shift
    set -- redis-server "$@" --protected-mode no
fi
exec "$@"

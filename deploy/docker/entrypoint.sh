#!/bin/sh
# What the image runs: up (all in one), web, worker, release (the schema); anything else as it stands.
set -eu
case "${1:-up}" in
  up) exec node dist/app/orama.js "$@" ;;
  web | release) exec node dist/app/main.js "$@" ;;
  worker) exec node dist/app/worker.js ;;
  *) exec "$@" ;;
esac

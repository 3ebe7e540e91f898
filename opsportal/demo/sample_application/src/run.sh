#!/usr/bin/env bash
# Starts the web process. The platform gives PORT; gunicorn.conf.py holds the rest.
set -o errexit -o nounset
exec gunicorn registrar.config.wsgi

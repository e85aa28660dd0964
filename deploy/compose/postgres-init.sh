#!/bin/sh
# One database per service with an owner (migrates) and an app role; run once by the image, on an empty volume.
set -eu
psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres -c 'CREATE ROLE roadbook_app NOLOGIN'
for service in lead projection identity sales; do
  # psql's variables quote the password; `-v` is not used, it would show in the process list
  psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres <<SQL
\set password \`echo "\$ROADBOOK_DATABASE_PASSWORD"\`
CREATE ROLE ${service}_owner LOGIN PASSWORD :'password';
CREATE ROLE ${service}_app LOGIN PASSWORD :'password';
GRANT roadbook_app TO ${service}_app;
CREATE DATABASE ${service} OWNER ${service}_owner;
REVOKE ALL ON DATABASE ${service} FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE ${service} TO ${service}_owner, ${service}_app;
SQL
done

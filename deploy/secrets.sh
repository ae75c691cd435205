#!/bin/sh
# deploy/secrets.sh: the passwords of docker-compose.yml, made up here once, into .secrets/. What is there stays.
# The folder is its owner's alone; the files in it can be read by whatever user a container runs as.
set -eu
umask 077
cd "$(dirname "$0")/.."
mkdir -p .secrets
cd .secrets

write() {  # write NAME TEXT
    [ -s "$1" ] || printf %s "$2" >"$1"
    chmod 644 "$1"
}
for name in owner exporter control grafana_database grafana_admin grafana_signing; do
    write "${name}_password" "$(LC_ALL=C tr -dc A-Za-z0-9 </dev/urandom | dd bs=1 count=32 2>/dev/null)"
done
write owner_url "postgresql://ascent:$(cat owner_password)@postgres/ascent"
for name in exporter control; do
    write "${name}_url" "postgresql://system_status_$name:$(cat "${name}_password")@postgres/ascent"
done
echo "Grafana: user admin, password in .secrets/grafana_admin_password"

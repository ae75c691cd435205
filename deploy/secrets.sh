#!/bin/sh
# deploy/secrets.sh: the passwords of docker-compose.yml, made up here once, into .secrets/. What is there stays.
# The folder is its owner's alone, and that is what protects them. A container sees a file's mode and not its folder's:
# the files can be read by everybody, for each program runs as another user, none of them the files' owner.
set -eu
umask 077
cd "$(dirname "$0")/.."

refuse() {
    echo "secrets.sh: $1" >&2
    exit 1
}
[ ! -L .secrets ] || refuse ".secrets is a link: nobody says who reads what lies at its other end. Remove it, then try again"
[ -d .secrets ] || mkdir .secrets
[ -O .secrets ] || refuse ".secrets belongs to somebody else, who could read what is written there. Remove it, or run this as its owner"
case $(ls -ld .secrets) in
    d???------*) ;;
    *) echo "secrets.sh: others could open .secrets until now. If there are others here, remove it and run this again" >&2 ;;
esac
chmod 700 .secrets
cd .secrets

write() {  # write NAME TEXT
    [ -n "$2" ] || refuse "no random bytes for $1 came out of /dev/urandom"
    if [ -L "$1" ] || { [ -e "$1" ] && { [ ! -f "$1" ] || [ ! -O "$1" ]; }; }; then
        refuse ".secrets/$1 isn't a file of yours: somebody else may have put it there. Remove it, then try again"
    fi
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

-- Roles that can do no more than they need, for docker-compose.yml: what `python -m jobqueue grants` prints, and
-- their passwords. psql runs it as the database's owner, with the folder of the secrets in $SECRETS.
\set ON_ERROR_STOP on
\ir grants.sql

\set exporter `cat "$SECRETS/exporter_password"`
\set control `cat "$SECRETS/control_password"`
\set grafana `cat "$SECRETS/grafana_database_password"`
ALTER ROLE system_status_exporter PASSWORD :'exporter';
ALTER ROLE system_status_control PASSWORD :'control';
ALTER ROLE system_status_grafana PASSWORD :'grafana';

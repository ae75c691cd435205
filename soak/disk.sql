-- Instead of a disk that is full: our tables refuse each row with the error of one.

-- name: refuse
CREATE OR REPLACE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS
$refuse$BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END$refuse$;
DO $body$ DECLARE place regclass; BEGIN
  FOR place IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'system_status'::regnamespace LOOP
    EXECUTE format('CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON %s EXECUTE FUNCTION public.refuse()', place);
  END LOOP;
END $body$

-- name: allow
DROP FUNCTION IF EXISTS public.refuse() CASCADE

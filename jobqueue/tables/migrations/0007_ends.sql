-- The ends of jobs that are counted and can be read again: an end is a job and its finish time, in 64 bits. A job that is
-- retried by hand ends a second time, and its row no longer shows that it ended before.
CREATE TABLE system_status.run_ends (
  source text        NOT NULL,
  slot   timestamptz NOT NULL,  -- some seconds of finish time
  ends   bigint[]    NOT NULL,
  PRIMARY KEY (source, slot)
);
ALTER TABLE system_status.run_ends ALTER COLUMN ends SET STORAGE EXTERNAL;  -- hashes can't be compressed

ALTER TABLE system_status.sources
  ADD COLUMN ends_from timestamptz,            -- since when run_ends is complete
  ADD COLUMN writes bigint NOT NULL DEFAULT 0;  -- goes up by one with each write: a second exporter finds it changed

-- Its slots remembered numbers of runs; run_ends remembers the runs.
DROP TABLE system_status.run_slots;

-- The number of a recorded run tells two apart that are alike.
ALTER TABLE IF EXISTS system_status.recorded_runs
  ADD COLUMN IF NOT EXISTS id bigint GENERATED ALWAYS AS IDENTITY;

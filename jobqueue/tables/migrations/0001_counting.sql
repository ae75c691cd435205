-- The memory of counting: what finished, minute by minute, kept longer than the queue keeps its rows.

CREATE TABLE system_status.sources (
  source       text PRIMARY KEY,
  polled_at    timestamptz,  -- the queue's clock at the newest read whose rows are all in run_minutes: the anchor
  counted_from timestamptz   -- where history begins: before it the queue held failures only
);

CREATE TABLE system_status.run_minutes (
  source          text        NOT NULL,
  minute          timestamptz NOT NULL,  -- of finish
  job_type        text        NOT NULL,
  runs            integer     NOT NULL,  -- completed and failed
  failures        integer     NOT NULL,
  retries         integer     NOT NULL,  -- that the finished runs had needed
  cancelled       integer     NOT NULL,  -- cancelled or expired; not runs
  run_seconds     float8      NOT NULL,
  run_max         float8,                -- seconds; null when no run had both a start and an end
  wait_seconds    float8      NOT NULL,
  last_run_at     timestamptz,
  last_success_at timestamptz,
  -- Both distributions, one int for each bucket that isn't empty: bit 31 is 0 for durations and 1 for waits, then ten
  -- bits ceil(16 * log2(seconds)) + 512, then 21 bits the number of runs.
  buckets         integer[]   NOT NULL,
  PRIMARY KEY (source, minute, job_type)
) WITH (fillfactor = 70);  -- the newest minutes are updated in place until their rows are settled

-- Only for queues that keep finished rows for less than an hour: the poller's own memory of short slots. Never added to
-- run_minutes by anyone but the poller that read them, so nothing can be counted twice.
CREATE TABLE system_status.run_slots (LIKE system_status.run_minutes INCLUDING ALL);
ALTER TABLE system_status.run_slots RENAME COLUMN minute TO slot;

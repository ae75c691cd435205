-- Since when each schedule has had the ticks that it has: an exporter that starts must not take the time in which one was
-- switched off, or had another expression, for missed ticks.

CREATE TABLE system_status.schedule_changes (
  source   text        NOT NULL,
  job_type text        NOT NULL,
  cron     text,
  timezone text,
  enabled  boolean,
  since    timestamptz NOT NULL,  -- the queue's clock when the change was seen
  PRIMARY KEY (source, job_type)
);

-- Oban 0.7.0 for Python: what differs from Elixir's tables.

ALTER TABLE oban_jobs ALTER errors DROP DEFAULT;
ALTER TABLE oban_jobs ALTER errors TYPE jsonb USING to_jsonb(errors);
ALTER TABLE oban_jobs ALTER errors SET DEFAULT '[]', ALTER priority TYPE smallint, ALTER attempt TYPE smallint,
  ALTER max_attempts TYPE smallint;
DROP TABLE oban_peers;

CREATE UNLOGGED TABLE oban_producers (
  uuid       uuid      PRIMARY KEY,
  name       text      NOT NULL DEFAULT 'oban',
  node       text      NOT NULL,
  queue      text      NOT NULL,
  meta       jsonb     NOT NULL DEFAULT '{}',
  started_at timestamp NOT NULL DEFAULT timezone('UTC', now()),
  updated_at timestamp NOT NULL DEFAULT timezone('UTC', now())
);

DROP INDEX oban_jobs_args_index, oban_jobs_meta_index, oban_jobs_state_cancelled_at_index,
  oban_jobs_state_discarded_at_index;
CREATE INDEX oban_jobs_cancelled_at_index ON oban_jobs (cancelled_at) WHERE state = 'cancelled';
CREATE INDEX oban_jobs_discarded_at_index ON oban_jobs (discarded_at) WHERE state = 'discarded';

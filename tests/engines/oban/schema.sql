-- Oban 2.23.0 for Elixir, migrations 1 to 14: what stands in the end, with its index, and below that the two of ours.

CREATE TYPE oban_job_state AS ENUM (
  'available', 'suspended', 'scheduled', 'executing', 'retryable', 'completed', 'discarded', 'cancelled'
);

CREATE TABLE oban_jobs (
  id           bigserial      PRIMARY KEY,
  state        oban_job_state NOT NULL DEFAULT 'available',
  queue        text           NOT NULL DEFAULT 'default' CHECK (char_length(queue) BETWEEN 1 AND 127),
  worker       text           NOT NULL CHECK (char_length(worker) BETWEEN 1 AND 127),
  args         jsonb          NOT NULL DEFAULT '{}',
  errors       jsonb[]        NOT NULL DEFAULT '{}',
  attempt      integer        NOT NULL DEFAULT 0,
  max_attempts integer        NOT NULL DEFAULT 20 CHECK (max_attempts > 0),
  inserted_at  timestamp      NOT NULL DEFAULT timezone('UTC', now()),
  scheduled_at timestamp      NOT NULL DEFAULT timezone('UTC', now()),
  attempted_at timestamp,
  completed_at timestamp,
  attempted_by text[],
  discarded_at timestamp,
  priority     integer        NOT NULL DEFAULT 0 CHECK (priority >= 0),
  tags         text[]         DEFAULT '{}',
  meta         jsonb          DEFAULT '{}',
  cancelled_at timestamp,
  CHECK (attempt BETWEEN 0 AND max_attempts)
);

CREATE INDEX oban_jobs_state_queue_priority_scheduled_at_id_index
    ON oban_jobs (state, queue, priority, scheduled_at, id);
CREATE INDEX oban_jobs_args_index ON oban_jobs USING gin (args);
CREATE INDEX oban_jobs_meta_index ON oban_jobs USING gin (meta);
CREATE INDEX oban_jobs_state_cancelled_at_index ON oban_jobs (state, cancelled_at);
CREATE INDEX oban_jobs_state_discarded_at_index ON oban_jobs (state, discarded_at);

CREATE UNLOGGED TABLE oban_peers (
  name       text      PRIMARY KEY,
  node       text      NOT NULL,
  started_at timestamp NOT NULL,
  expires_at timestamp NOT NULL
);

CREATE INDEX system_status_completed ON oban_jobs (completed_at) WHERE state = 'completed';
CREATE INDEX system_status_cron ON oban_jobs (worker, id) WHERE meta @> '{"cron": true}';

-- The Ascent platform's queue. `psql -f schema.sql` on an empty database makes it.
-- Another schema: replace the name in this file; the exporter is told with QUEUE_SCHEMA.

CREATE SCHEMA ascent;
SET search_path = ascent;

CREATE TYPE job_state AS ENUM ('pending', 'active', 'retry', 'completed', 'failed', 'cancelled');

CREATE TABLE jobs (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job_type        text        NOT NULL,
  state           job_state   NOT NULL DEFAULT 'pending',
  priority        smallint    NOT NULL DEFAULT 0,       -- 10 High, 0 Normal, -10 Low; higher first
  payload         jsonb       NOT NULL DEFAULT '{}',
  organization_id bigint,
  origin          text        NOT NULL DEFAULT 'code' CHECK (origin IN ('schedule', 'manual', 'code')),
  retries         integer     NOT NULL DEFAULT 0,
  max_retries     integer     NOT NULL DEFAULT 3,
  run_after       timestamptz NOT NULL DEFAULT now(),
  expires_at      timestamptz,                          -- dropped when still waiting then
  created_at      timestamptz NOT NULL DEFAULT now(),
  started_at      timestamptz,
  finished_at     timestamptz,
  worker_id       text,
  last_error      text,
  CHECK ((finished_at IS NOT NULL) = (state IN ('completed', 'failed', 'cancelled')))
);

-- Live rows only, so its size follows the backlog and not the history.
CREATE INDEX jobs_live ON jobs (state, job_type, run_after) WHERE state IN ('pending', 'active', 'retry');
-- "finished_at IS NOT NULL", not a list of states: with a list the planner takes the query's own list of states
-- as implied by it, drops it, and scans the whole index.
CREATE INDEX jobs_finished ON jobs (state, finished_at) WHERE finished_at IS NOT NULL;
-- The order in which workers fetch.
CREATE INDEX jobs_fetch ON jobs (priority DESC, run_after, id) WHERE state IN ('pending', 'retry');

CREATE TABLE schedules (
  job_type         text        PRIMARY KEY,
  description      text        NOT NULL DEFAULT '',
  cron             text        NOT NULL,
  timezone         text        NOT NULL DEFAULT 'UTC',
  priority         smallint    NOT NULL DEFAULT 0,
  expire_after     interval,
  payload          jsonb       NOT NULL DEFAULT '{}',
  enabled          boolean     NOT NULL DEFAULT true,
  last_enqueued_at timestamptz
);

CREATE TABLE workers (
  id                 text        PRIMARY KEY,
  hostname           text,
  pid                integer,
  mode               text        NOT NULL CHECK (mode IN ('all', 'server', 'worker')),
  version            text,
  started_at         timestamptz NOT NULL DEFAULT now(),
  last_seen_at       timestamptz NOT NULL DEFAULT now(),
  processed          bigint      NOT NULL DEFAULT 0,
  failed             bigint      NOT NULL DEFAULT 0,
  current_job_id     bigint,
  current_job_type   text,
  current_started_at timestamptz
);

CREATE TABLE idempotency_tokens (
  token      text        PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX idempotency_tokens_expired ON idempotency_tokens (expires_at);

RESET search_path;

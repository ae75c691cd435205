-- What platform admins did, and the tokens of their scripts. Rows of the log are only ever added.

CREATE TABLE system_status.admin_actions (
  id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at          timestamptz NOT NULL DEFAULT now(),
  source      text        NOT NULL,
  action      text        NOT NULL,  -- run, janitor, fail-active, cancel-pending
  actor       text        NOT NULL,  -- who, as the authenticator knows them: grafana:ann, token:ci, loopback:demo
  request_id  text        NOT NULL,
  request     text        NOT NULL,  -- digest of what was asked, so that a request id can't be used for something else
  job_type    text,                  -- of a run
  before      timestamptz,           -- only what was there then is touched
  UNIQUE (actor, request_id)
);
CREATE INDEX admin_actions_at ON system_status.admin_actions (at DESC, id DESC);

-- One row for each batch, in the batch's own transaction, and one for the end. An action without an end is running, or
-- was interrupted if nobody holds its lock.
CREATE TABLE system_status.admin_action_steps (
  action_id bigint      NOT NULL REFERENCES system_status.admin_actions (id),
  seq       integer     NOT NULL,
  at        timestamptz NOT NULL DEFAULT clock_timestamp(),
  step      text        NOT NULL,             -- fail_stuck, delete_completed …, or an end: done, failed, interrupted
  changed   bigint      NOT NULL DEFAULT 0,   -- rows
  note      text,                           -- the id of the job that a run queued; why it failed
  PRIMARY KEY (action_id, seq)
);

CREATE TABLE system_status.api_tokens (
  name       text        PRIMARY KEY,
  hash       bytea       NOT NULL UNIQUE,     -- SHA-256 of 256 random bits: nothing to guess, so nothing to slow down
  allow      text[]      NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz
);

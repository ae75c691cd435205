-- River 0.43.0, migrations 1 to 7 of the line "main": what stands in the end, the tables that concern jobs and their index.

CREATE TABLE river_migration (
  line       text        NOT NULL,
  version    bigint      NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (line, version)
);
INSERT INTO river_migration (line, version) SELECT 'main', n FROM generate_series(1, 7) AS n;

CREATE TYPE river_job_state AS ENUM (
  'available', 'cancelled', 'completed', 'discarded', 'pending', 'retryable', 'running', 'scheduled'
);

CREATE TABLE river_job (
  id            bigserial       PRIMARY KEY,
  state         river_job_state NOT NULL DEFAULT 'available',
  attempt       smallint        NOT NULL DEFAULT 0,
  max_attempts  smallint        NOT NULL DEFAULT 25 CHECK (max_attempts > 0),
  attempted_at  timestamptz,
  created_at    timestamptz     NOT NULL DEFAULT now(),
  finalized_at  timestamptz,
  scheduled_at  timestamptz     NOT NULL DEFAULT now(),
  priority      smallint        NOT NULL DEFAULT 1 CHECK (priority BETWEEN 1 AND 4),
  args          jsonb           NOT NULL,
  attempted_by  text[],
  errors        jsonb[],
  kind          text            NOT NULL CHECK (char_length(kind) BETWEEN 1 AND 127),
  metadata      jsonb           NOT NULL DEFAULT '{}',
  queue         text            NOT NULL DEFAULT 'default' CHECK (char_length(queue) BETWEEN 1 AND 127),
  tags          varchar(255)[]  NOT NULL DEFAULT '{}',
  unique_key    bytea,
  unique_states bit(8),
  CHECK ((finalized_at IS NOT NULL) = (state IN ('cancelled', 'completed', 'discarded')))
);

CREATE FUNCTION river_job_state_in_bitmask(bitmask bit(8), state river_job_state) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE state WHEN 'available' THEN get_bit(bitmask, 7)
                    WHEN 'cancelled' THEN get_bit(bitmask, 6)
                    WHEN 'completed' THEN get_bit(bitmask, 5)
                    WHEN 'discarded' THEN get_bit(bitmask, 4)
                    WHEN 'pending' THEN get_bit(bitmask, 3)
                    WHEN 'retryable' THEN get_bit(bitmask, 2)
                    WHEN 'running' THEN get_bit(bitmask, 1)
                    WHEN 'scheduled' THEN get_bit(bitmask, 0)
                    ELSE 0 END = 1
$$;

CREATE INDEX river_job_kind ON river_job (kind);
CREATE INDEX river_job_state_and_finalized_at_index ON river_job (state, finalized_at) WHERE finalized_at IS NOT NULL;
CREATE INDEX river_job_prioritized_fetching_index ON river_job (state, queue, priority, scheduled_at, id);
CREATE INDEX river_job_args_index ON river_job USING gin (args);
CREATE INDEX river_job_metadata_index ON river_job USING gin (metadata);
CREATE UNIQUE INDEX river_job_unique_idx ON river_job (unique_key)
 WHERE unique_key IS NOT NULL AND unique_states IS NOT NULL AND river_job_state_in_bitmask(unique_states, state);

CREATE TABLE river_notification (
  id         bigserial   PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now(),
  payload    text        NOT NULL,
  topic      text        NOT NULL
);

CREATE TABLE river_queue (
  name       text        PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now(),
  metadata   jsonb       NOT NULL DEFAULT '{}',
  paused_at  timestamptz,
  updated_at timestamptz NOT NULL
);

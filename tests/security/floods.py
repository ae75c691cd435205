"""Tables as somebody fills them who wants a reader to break down."""

UNCHECKED = b"""
DO $$ DECLARE made record; BEGIN
  FOR made IN SELECT conrelid::regclass AS log, conname FROM pg_constraint
               WHERE contype = 'c' AND conrelid::regclass::text LIKE 'system_status.admin_action%' LOOP
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', made.log, made.conname);
  END LOOP;
END $$;
ALTER TABLE system_status.admin_action_steps DISABLE TRIGGER USER;
"""
"""Has the log take any row, as an older version did: such rows may still be there."""

FLOODS = {
    "120,000 job types that wait, and have completed and failed": """
        INSERT INTO ascent.jobs (job_type) SELECT 'type-' || n FROM generate_series(1, 120000) AS n;
        INSERT INTO ascent.jobs (job_type, state, started_at, finished_at)
        SELECT 'type-' || n, state::ascent.job_state, now() - interval '2 seconds', now()
          FROM generate_series(1, 120000) AS n, unnest(array['completed', 'failed']) AS state""",
    "50 workers of a megabyte in every text": """
        ALTER TABLE ascent.workers DROP CONSTRAINT workers_pkey;
        INSERT INTO ascent.workers (id, mode, hostname, version, current_job_type, current_started_at)
        SELECT repeat('x', 1000000) || n, 'all', repeat('h', 1000000), repeat('v', 1000000), repeat('t', 1000000), now()
          FROM generate_series(1, 50) AS n""",
    "2,000 workers with names of emoji": """
        INSERT INTO ascent.workers (id, mode, hostname, version)
        SELECT n || repeat('😀', 150), 'all', repeat('😀', 300), repeat('😀', 300)
          FROM generate_series(1, 2000) AS n""",
    "100 schedules of a megabyte in every text": """
        INSERT INTO ascent.schedules (job_type, cron, description, timezone)
        SELECT 'long-' || n, repeat('*', 1000000), repeat('d', 1000000), repeat('z', 1000000)
          FROM generate_series(1, 100) AS n""",
    "20,000 schedules": """
        INSERT INTO ascent.schedules (job_type, cron)
        SELECT 'many-' || n, '*/5 * * * *' FROM generate_series(1, 20000) AS n""",
    "actions of a megabyte in every text": """
        INSERT INTO system_status.admin_actions (source, action, actor, request_id, request, job_type)
        SELECT 'main', 'janitor', repeat('a', 100000), n, '', repeat('j', 1000000) FROM generate_series(1, 50) AS n;
        INSERT INTO system_status.admin_action_steps (action_id, seq, step, note)
        SELECT id, 1, repeat('s', 1000000), NULL FROM system_status.admin_actions
        UNION ALL SELECT id, 2, 'failed', repeat('n', 1000000) FROM system_status.admin_actions""",
    "100,000 actions": """
        INSERT INTO system_status.admin_actions (source, action, actor, request_id, request)
        SELECT 'main', 'janitor', 'token:ci', 'many-' || n, '' FROM generate_series(1, 100000) AS n""",
}
"""What is in the tables, and the SQL that puts it there."""

SELECT job_id AS "ID", source AS "Source", state AS "State", created_at AS "Created", started_at AS "Started",
       finished_at AS "Completed", extract(epoch FROM finished_at - started_at)::float8 AS "Took",
       retries AS "Retries", worker AS "Worker"
  FROM system_status.recent_jobs
 WHERE job_type = ${job_type:sqlstring}
   AND ('${source:csv}' = '' OR source = ANY (string_to_array('${source:csv}', ',')))
 ORDER BY created_at DESC
 LIMIT 50

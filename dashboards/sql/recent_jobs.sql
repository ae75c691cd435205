SELECT job_type AS "Job", source AS "Source", state AS "State", created_at AS "Created", finished_at AS "Completed",
       retries AS "Retries", source
  FROM system_status.recent_jobs
 WHERE '${source:csv}' = '' OR source = ANY (string_to_array('${source:csv}', ','))
 ORDER BY created_at DESC
 LIMIT 50

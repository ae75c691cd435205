-- Until when a schedule's ticks have had their jobs. An engine deletes the job of a tick, or an admin does; an exporter that
-- starts afterwards shall not take the tick for missed.
ALTER TABLE system_status.schedule_changes ADD COLUMN served_until timestamptz;

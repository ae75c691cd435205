-- Which queue a source's name stands for: everything of ours is kept under that name, so two queues must not share one.
ALTER TABLE system_status.sources
  ADD COLUMN queue_engine   text,  -- null until the queue was seen
  ADD COLUMN queue_schema   text,
  -- The system identifier of the server. Null if the queue is in this database: both move together, and a restored or
  -- upgraded server has another identifier.
  ADD COLUMN queue_server   text,
  ADD COLUMN queue_database text;

-- Which queue a source's name stands for: everything of ours is kept under that name, so two queues must not share one.
ALTER TABLE system_status.sources
  ADD COLUMN queue_engine   text,  -- null until the queue was seen
  ADD COLUMN queue_schema   text,
  ADD COLUMN queue_server   text,  -- the server's system identifier; null where the queue is in this database, whatever
  ADD COLUMN queue_database text;  -- becomes of the server: a restored or upgraded one has another identifier

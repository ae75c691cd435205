"""A small platform that really runs on the Ascent tables: schedulers, workers, an API that queues, a janitor."""

"""The law of counting: each finished job is counted once, whatever polls, restarts and janitors do.

A poll re-reads what finished since ``minute floor(anchor - settle)``. The anchor is the database's time just before the
last read whose result was committed, and it is committed with that result: never "now minus a constant", never an
upper bound. Rows are counted per short slot; only slots whose count changed are aggregated. A figure only grows: the
greater of what is known and what was read. So a row that commits late (up to the settle time) is counted, one that
is read twice is counted once, replicas write the same rows without a lock, an outage continues at the anchor, and a
janitor that deletes old rows takes nothing away.

    reader.slot_counts -> which slots changed -> reader.slot_runs -> Ledger (slots -> minutes -> growth)
        -> store (one transaction: minutes, slots, anchor) -> counters, 24-hour window
"""

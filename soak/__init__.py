"""Hours of real work under two exporters, with a monkey at large, and every figure compared with the truth at the end.

servers (queues, our tables) <- workers of every engine, a flood of Ascent's
two exporters <- Prometheus
monkey -> exporters, servers, rows, clocks
truth (what ended, written down by triggers in the transaction of the end) <-> figures -> report
"""

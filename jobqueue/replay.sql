-- How far a standby is behind its primary.

-- name: lag
-- Three answers: is this a standby, does it have all that its primary has written, and of when is what it has replayed last?
--
-- It has everything when a WAL receiver streams and all that was received is replayed. The moment of the last replayed
-- transaction says nothing then: an idle primary writes none. The view has a row while the receiver is connected; a role
-- without pg_monitor sees no column of it but pid, which is all that is asked for. A primary that is cut off without a word
-- is noticed after wal_receiver_timeout.
--
-- Otherwise, with a receiver that is gone or a replay that waits, the last replayed transaction is the newest thing that is
-- known. After a start none may have been replayed: then it is the checkpoint from which the standby began.
SELECT pg_is_in_recovery() AS is_standby,
       coalesce(pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn(), false)
         AND EXISTS (SELECT FROM pg_stat_wal_receiver WHERE pid IS NOT NULL) AS has_everything,
       coalesce(pg_last_xact_replay_timestamp(), (SELECT checkpoint_time FROM pg_control_checkpoint())) AS replayed_until,
       clock_timestamp() AS now

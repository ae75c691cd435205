-- Indexes of ours that a newer version of the engine has made unnecessary.

-- name: superfluous
-- Of ours, named system_status_..., those that another index of the table serves as well: a valid one with the same leading
-- columns in the same order, sorted and compared likewise, over all rows or over the same ones. A unique one of ours would be
-- a promise, and is left; an index over expressions or with further columns serves plans that the other may not.
SELECT DISTINCT ON (own_class.relname)
       own_class.relname::text AS name, table_class.relname::text AS table_name, other_class.relname::text AS served_by
  FROM pg_index AS own
  JOIN pg_class AS own_class ON own_class.oid = own.indexrelid
  JOIN pg_class AS table_class ON table_class.oid = own.indrelid
  JOIN pg_namespace AS namespace ON namespace.oid = table_class.relnamespace
  JOIN pg_index AS other ON other.indrelid = own.indrelid AND other.indexrelid <> own.indexrelid
  JOIN pg_class AS other_class ON other_class.oid = other.indexrelid
 WHERE namespace.nspname = %(schema)s
   AND starts_with(own_class.relname, 'system_status_') AND NOT starts_with(other_class.relname, 'system_status_')
   AND NOT own.indisunique AND own.indexprs IS NULL AND own.indnatts = own.indnkeyatts
   AND other.indisvalid AND other.indisready AND other.indislive AND other.indexprs IS NULL
   AND own_class.relam = other_class.relam
   AND own.indnkeyatts <= other.indnkeyatts
   AND NOT EXISTS (SELECT FROM generate_series(0, own.indnkeyatts - 1) AS place
                    WHERE own.indkey[place] <> other.indkey[place]
                       OR own.indclass[place] <> other.indclass[place]
                       OR own.indcollation[place] <> other.indcollation[place]
                       OR own.indoption[place] <> other.indoption[place])
   AND (other.indpred IS NULL
        OR pg_get_expr(other.indpred, other.indrelid) = pg_get_expr(own.indpred, own.indrelid))
 ORDER BY own_class.relname, other.indnkeyatts, other_class.relname

-- When a step of River Pro's workflows was released, as its metadata say in the words of RFC 3339. What isn't such a time is
-- none, and never an error: a day that its month doesn't have is counted from the month's first.

-- name: staged_at
CASE WHEN metadata ->> 'workflow_staged_at'
          ~ '^[1-9]\d{{3}}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d([.]\d{{1,9}})?(Z|[+-](0\d|1[0-4]):[0-5]\d)$'
     THEN (left(metadata ->> 'workflow_staged_at', 8) || '01' || substr(metadata ->> 'workflow_staged_at', 11))::timestamptz
          + (substr(metadata ->> 'workflow_staged_at', 9, 2)::integer - 1) * interval '24 hours' END

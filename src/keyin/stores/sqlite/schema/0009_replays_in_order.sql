-- Used proofs lie in the order in which they came. Whether one came before is known in the memory of
-- the one writer, which reads them here when it begins: a proof then costs no look at an index.

CREATE TABLE jti_in_order (
  seq       INTEGER PRIMARY KEY,
  namespace TEXT NOT NULL,
  digest    TEXT NOT NULL,
  expires   INTEGER NOT NULL
) STRICT;

INSERT INTO jti_in_order (namespace, digest, expires)
SELECT namespace, digest, expires FROM jti_seen ORDER BY expires;

DROP TABLE jti_seen;
ALTER TABLE jti_in_order RENAME TO jti_seen;

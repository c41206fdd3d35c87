-- What an account proves itself with besides its password: a secret that its telephone has too, as
-- ciphertext, and codes for when the telephone is gone, as keyed digests.

CREATE TABLE second_factors (
  account_id TEXT PRIMARY KEY,
  sealed     BLOB NOT NULL,
  confirmed  INTEGER NOT NULL,
  last_step  INTEGER NOT NULL,
  created    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE recovery_codes (
  account_id TEXT NOT NULL,
  digest     TEXT NOT NULL,
  PRIMARY KEY (account_id, digest)
) STRICT, WITHOUT ROWID;

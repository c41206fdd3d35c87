-- People who may sign in, the browsers in which they have, and wrong passwords.
-- A password stands as its Argon2id hash, a session and a bucket of failures as a keyed digest.

CREATE TABLE accounts (
  id       TEXT PRIMARY KEY,
  name     TEXT NOT NULL,
  name_key TEXT NOT NULL UNIQUE,
  password TEXT NOT NULL,
  status   TEXT NOT NULL,
  epoch    INTEGER NOT NULL,
  created  INTEGER NOT NULL,
  updated  INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
  digest        TEXT PRIMARY KEY,
  account_id    TEXT NOT NULL,
  account_epoch INTEGER NOT NULL,
  signed_in     INTEGER NOT NULL,
  seen          INTEGER NOT NULL,
  expires       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_expiry ON sessions (expires);

CREATE TABLE sign_in_failures (
  bucket TEXT PRIMARY KEY,
  count  INTEGER NOT NULL,
  last   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sign_in_failures_by_last ON sign_in_failures (last);

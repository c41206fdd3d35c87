-- What every grant writes lies in the order of time, each in one table without an index (ADR 5): a
-- group of grants changes the last page of two tables. A token's digest says where it lies.

CREATE TABLE tokens_in_order (
  place            INTEGER PRIMARY KEY,
  digest           TEXT NOT NULL,
  client_id        TEXT NOT NULL,
  credential_id    TEXT NOT NULL,
  key_digest       TEXT NOT NULL,
  audience         TEXT NOT NULL,
  scope            TEXT NOT NULL,
  owner            TEXT,
  site             TEXT,
  software_id      TEXT,
  software_version TEXT,
  origin           TEXT NOT NULL,
  status           TEXT NOT NULL,
  client_epoch     INTEGER NOT NULL,
  credential_epoch INTEGER NOT NULL,
  key_epoch        INTEGER,
  store_epoch      INTEGER NOT NULL,
  issued           INTEGER NOT NULL,
  expires          INTEGER NOT NULL,
  cnf_jkt          TEXT,
  account_id       TEXT,
  account_epoch    INTEGER
) STRICT;

INSERT INTO tokens_in_order
SELECT token_place(digest), digest, client_id, credential_id, key_digest, audience, scope,
  owner, site, software_id, software_version, origin, status, client_epoch, credential_epoch,
  key_epoch, store_epoch, issued, expires, cnf_jkt, account_id, account_epoch
FROM tokens WHERE true ON CONFLICT DO NOTHING;

DROP TABLE tokens;
ALTER TABLE tokens_in_order RENAME TO tokens;

CREATE TABLE audit_in_order (
  seq   INTEGER PRIMARY KEY,
  chain TEXT NOT NULL,
  at    INTEGER NOT NULL,
  event TEXT NOT NULL,
  hash  BLOB NOT NULL
) STRICT;

INSERT INTO audit_in_order (seq, chain, at, event, hash)
SELECT seq, chain, at, event, hash FROM audit ORDER BY seq;

DROP TABLE audit;
ALTER TABLE audit_in_order RENAME TO audit;

CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log never changes'); END;

CREATE TRIGGER audit_never_shrinks BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log never shrinks'); END;

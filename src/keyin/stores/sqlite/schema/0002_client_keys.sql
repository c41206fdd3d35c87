-- Public keys of clients, proofs that were used, and the key that a token is bound to.
-- A kid is the key's thumbprint, so that no two credentials share a key.

CREATE TABLE client_keys (
  kid           TEXT PRIMARY KEY,
  credential_id TEXT NOT NULL,
  jwk           TEXT NOT NULL,
  algorithm     TEXT NOT NULL,
  status        TEXT NOT NULL,
  epoch         INTEGER NOT NULL,
  added         INTEGER NOT NULL,
  last_used     INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE jti_seen (
  namespace TEXT NOT NULL,
  digest    TEXT NOT NULL,
  expires   INTEGER NOT NULL,
  PRIMARY KEY (namespace, digest)
) STRICT, WITHOUT ROWID;

CREATE INDEX jti_seen_by_expiry ON jti_seen (expires);

ALTER TABLE tokens ADD COLUMN cnf_jkt TEXT;

-- What the cloud remembers. Nothing here can be presented: keys, tokens and secrets stand as
-- keyed digests, keys and preferences besides as ciphertext under a key that is elsewhere.
-- Times are milliseconds since 1970-01-01T00:00:00Z. A landed file never changes: add another.

CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO meta (name, value) VALUES ('store_epoch', '0');

CREATE TABLE clients (
  seq              INTEGER PRIMARY KEY,
  id               TEXT NOT NULL UNIQUE,
  kind             TEXT NOT NULL,
  name             TEXT,
  computer_type    TEXT,
  owner            TEXT,
  site             TEXT,
  software_id      TEXT,
  software_version TEXT,
  origin           TEXT NOT NULL,
  status           TEXT NOT NULL,
  epoch            INTEGER NOT NULL,
  created          INTEGER NOT NULL,
  updated          INTEGER,
  legacy_until     INTEGER
) STRICT;

-- client_id refers to no foreign key: imported credentials may have lost their client.
CREATE TABLE credentials (
  seq              INTEGER PRIMARY KEY,
  id               TEXT NOT NULL UNIQUE,
  client_id        TEXT NOT NULL,
  oauth2_client_id TEXT NOT NULL,
  secret_digest    TEXT NOT NULL,
  networks         TEXT NOT NULL,
  writable         TEXT NOT NULL,
  may_create_keys  INTEGER NOT NULL,
  may_create_safes INTEGER NOT NULL,
  owner            TEXT,
  site             TEXT,
  software_id      TEXT,
  software_version TEXT,
  origin           TEXT NOT NULL,
  status           TEXT NOT NULL,
  epoch            INTEGER NOT NULL,
  revoked_reason   TEXT,
  created          INTEGER NOT NULL,
  revoked          INTEGER
) STRICT;

CREATE INDEX credentials_by_oauth2_client_id ON credentials (oauth2_client_id);

CREATE TABLE keys (
  seq              INTEGER PRIMARY KEY,
  digest           TEXT NOT NULL UNIQUE,
  sealed           BLOB NOT NULL,
  safe_id          TEXT,
  prefs_set_id     TEXT,
  owner            TEXT,
  site             TEXT,
  software_id      TEXT,
  software_version TEXT,
  origin           TEXT NOT NULL,
  status           TEXT NOT NULL,
  epoch            INTEGER NOT NULL,
  low_entropy      INTEGER NOT NULL,
  revoked_reason   TEXT,
  created          INTEGER NOT NULL,
  updated          INTEGER,
  revoked          INTEGER
) STRICT;

CREATE TABLE safes (
  seq     INTEGER PRIMARY KEY,
  id      TEXT NOT NULL UNIQUE,
  kind    TEXT NOT NULL,
  sealed  BLOB NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER
) STRICT;

CREATE TABLE tokens (
  digest           TEXT PRIMARY KEY,
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
  expires          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX tokens_by_expiry ON tokens (expires);

CREATE TABLE registries (
  os_id   TEXT PRIMARY KEY,
  content BLOB NOT NULL
) STRICT, WITHOUT ROWID;

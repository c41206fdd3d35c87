-- Computers that register themselves: what they may register with, and what is known of them then.
-- Tokens stand as keyed digests; templates, computers and flags are JSON.

CREATE TABLE initial_access (
  seq            INTEGER PRIMARY KEY,
  id             TEXT NOT NULL UNIQUE,
  digest         TEXT NOT NULL UNIQUE,
  kind           TEXT NOT NULL,
  owner          TEXT,
  site           TEXT,
  label          TEXT NOT NULL,
  template       TEXT NOT NULL,
  computer       TEXT,
  max_uses       INTEGER NOT NULL,
  uses           INTEGER NOT NULL,
  not_before     INTEGER NOT NULL,
  expires        INTEGER NOT NULL,
  networks       TEXT NOT NULL,
  software_ids   TEXT NOT NULL,
  bound_jkt      TEXT,
  status         TEXT NOT NULL,
  revoked_reason TEXT,
  created        INTEGER NOT NULL,
  last_used      INTEGER
) STRICT;

CREATE INDEX initial_access_by_owner ON initial_access (owner, seq) WHERE owner IS NOT NULL;
CREATE INDEX initial_access_by_site ON initial_access (site, seq) WHERE site IS NOT NULL;
CREATE INDEX initial_access_by_expiry ON initial_access (expires);

CREATE TABLE registrations (
  client_id         TEXT PRIMARY KEY,
  credential_id     TEXT NOT NULL UNIQUE,
  token_digest      TEXT NOT NULL,
  initial_access_id TEXT,
  channel_id        TEXT,
  installation_id   TEXT,
  scopes            TEXT NOT NULL,
  activate_by       INTEGER,
  version           INTEGER NOT NULL,
  flags             TEXT NOT NULL,
  created           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX registrations_by_access ON registrations (initial_access_id)
  WHERE initial_access_id IS NOT NULL;
CREATE INDEX registrations_by_channel ON registrations (channel_id) WHERE channel_id IS NOT NULL;
CREATE INDEX registrations_by_installation ON registrations (installation_id)
  WHERE installation_id IS NOT NULL;
CREATE INDEX registrations_to_activate ON registrations (activate_by)
  WHERE activate_by IS NOT NULL;

-- One name is one computer's in an account; and whose keys were not used for long has gone.
CREATE INDEX clients_by_owner_and_name ON clients (owner, name) WHERE owner IS NOT NULL;
CREATE INDEX client_keys_by_use ON client_keys (coalesce(last_used, added));

CREATE TABLE site_policies (
  site    TEXT PRIMARY KEY,
  returns TEXT NOT NULL
) STRICT, WITHOUT ROWID;

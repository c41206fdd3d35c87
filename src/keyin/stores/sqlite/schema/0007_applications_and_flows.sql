-- Clients that are no installations, and what is remembered between their wish and a token.
-- Request URIs, codes, user codes and what a page carries stand as keyed digests.

CREATE TABLE applications (
  credential_id TEXT PRIMARY KEY,
  auth_method   TEXT NOT NULL,
  native        INTEGER NOT NULL,
  redirect_uris TEXT NOT NULL,
  grant_types   TEXT NOT NULL,
  scopes        TEXT NOT NULL,
  par_required  INTEGER NOT NULL,
  typ_required  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE pushed_requests (
  digest         TEXT PRIMARY KEY,
  credential_id  TEXT NOT NULL,
  redirect_uri   TEXT NOT NULL,
  scope          TEXT NOT NULL,
  state          TEXT,
  code_challenge TEXT NOT NULL,
  jkt            TEXT,
  expires        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX pushed_requests_by_expiry ON pushed_requests (expires);

CREATE TABLE questions (
  digest         TEXT PRIMARY KEY,
  credential_id  TEXT NOT NULL,
  redirect_uri   TEXT NOT NULL,
  scope          TEXT NOT NULL,
  state          TEXT,
  code_challenge TEXT NOT NULL,
  jkt            TEXT,
  account_id     TEXT NOT NULL,
  session        TEXT NOT NULL,
  expires        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX questions_by_expiry ON questions (expires);

CREATE TABLE codes (
  digest         TEXT PRIMARY KEY,
  credential_id  TEXT NOT NULL,
  redirect_uri   TEXT NOT NULL,
  scope          TEXT NOT NULL,
  state          TEXT,
  code_challenge TEXT NOT NULL,
  jkt            TEXT,
  account_id     TEXT NOT NULL,
  account_epoch  INTEGER NOT NULL,
  expires        INTEGER NOT NULL,
  kept_until     INTEGER NOT NULL,
  used           INTEGER NOT NULL,
  token          TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX codes_by_end ON codes (kept_until);

CREATE TABLE device_requests (
  digest        TEXT PRIMARY KEY,
  user_code     TEXT NOT NULL UNIQUE,
  credential_id TEXT NOT NULL,
  scope         TEXT NOT NULL,
  jkt           TEXT,
  address       TEXT,
  interval_s    INTEGER NOT NULL,
  polled        INTEGER,
  account_id    TEXT,
  account_epoch INTEGER,
  denied        INTEGER NOT NULL,
  expires       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX device_requests_by_expiry ON device_requests (expires);

ALTER TABLE tokens ADD COLUMN account_id TEXT;
ALTER TABLE tokens ADD COLUMN account_epoch INTEGER;
